/** What a command does by Temporal alone is written down too: before it is done, and what came of it (docs/audit.md). */
import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { AuditAction, AuditEntry } from '../domain/audit.ts';
import type { TemporalGateway } from '../temporal/index.ts';

/** Who is at the keyboard, and where. */
export function atTheKeyboard(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // Where the system has no name for them.
    return `somebody@${hostname()}`;
  }
}

export interface Doing {
  action: AuditAction;
  /** What it is done to. */
  subject: string;
  detail?: AuditEntry['detail'];
}

/** Throws what `work` throws, and does nothing when Temporal does not take the note before it. */
export async function audited<T>(gateway: TemporalGateway, { action, subject, detail = {} }: Doing, work: () => Promise<T>, describe: (result: T) => AuditEntry['detail'] = () => ({})): Promise<T> {
  const actionId = randomUUID();
  const note = (outcome: AuditEntry['outcome'], more: AuditEntry['detail']): Promise<void> =>
    gateway.writeAudit({ actionId, via: 'cli', who: atTheKeyboard(), credential: 'their word: a command that talks to Temporal itself', address: null, action, subject, outcome, detail: { ...more, at: new Date().toISOString() }, key: `${actionId}/${outcome}` });
  await note('begun', detail);
  try {
    const result = await work();
    await note('done', describe(result));
    return result;
  } catch (error) {
    await note('failed', { problem: (error as Error).message.slice(0, 400) }).catch(() => undefined);
    throw error;
  }
}

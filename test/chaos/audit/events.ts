/** Promises 1, 2 and 10: what was answered with a 2xx is there, once, also after a kill. */
import { audienceOf } from '../audiences.ts';
import { occurredAt } from '../traffic-plan.ts';
import { sha256, type Case, type SentEvent } from './case.ts';
import type { Findings } from './findings.ts';

/** An event that was taken so shortly before a kill would have been lost by it, had it been in memory only. Milliseconds. */
const SHORTLY_MS = 10_000;
/** No clock of the fleet is further off, with some room for a slow answer. Milliseconds. */
const MOST_SKEW_MS = 60_000;
/** Answers that say what was decided for the first time. */
const FIRST_DECISIONS = ['applied', 'superseded', 'held_out', 'expired'];

export function auditEvents(file: Case, findings: Findings): void {
  const { evidence, sent, taken } = file;
  const kills = evidence.disturbances.filter(({ kind }) => kind === 'kill' || kind === 'skew').map(({ from }) => from);
  const runs = Map.groupBy(evidence.workflows, ({ id }) => id);
  const exposures = Map.groupBy(evidence.ledger.exposures, (row) => row.event_id);
  const quarantined = evidence.ledger.quarantine;
  for (const one of sent) {
    if (one.planned.expected === 'test') continue;
    findings.check(1, whyNotKept(one, quarantined));
  }
  for (const one of taken) {
    const { eventId = '', row, acks } = one;
    const firstAck = acks[0]?.endedAt ?? 0;
    const lost = row === undefined || (exposures.get(eventId)?.length ?? 0) === 0 || !runs.has(eventId);
    if (kills.some((at) => at > firstAck && at - firstAck < SHORTLY_MS)) findings.check(10, lost && `${nameOf(one)} was taken ${inSeconds(Math.min(...kills.filter((at) => at > firstAck)) - firstAck)} before a kill and is ${whatIsMissing(one, exposures.has(eventId), runs.has(eventId))}`);
    findings.check(1, lost && `${nameOf(one)} was answered ${String(acks[0]?.status)} ${String(acks[0]?.answer['status'])} and is ${whatIsMissing(one, exposures.has(eventId), runs.has(eventId))}`);
    if (!row) continue;
    findings.check(3, whyTimesDiffer(one, evidence.beganAt));
    findings.check(2, whyNotOnce(one, runs.get(eventId)?.length ?? 0, exposures.get(eventId) ?? []));
  }
  const known = new Set(sent.flatMap(({ eventId }) => eventId ?? []));
  for (const { event_id: id, status } of evidence.ledger.events) if (!known.has(id) && status !== 'test') findings.blame(2, `the ledger has an event ${id} that nobody sent`);
  for (const { event_id: id } of evidence.ledger.exposures) if (!known.has(id)) findings.blame(2, `there is an exposure ${id} that nobody sent`);
  for (const { id } of evidence.workflows) if (!known.has(id)) findings.blame(2, `there is a workflow ${id} of an event that nobody sent`);
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

export const nameOf = ({ eventId, planned }: SentEvent): string => `event ${eventId ?? String(planned.index)} (${planned.story})`;

const whatIsMissing = ({ row }: SentEvent, exposed: boolean, started: boolean): string =>
  row === undefined ? 'not in the ledger' : !exposed ? 'without an exposure row' : !started ? 'without a workflow' : 'there';

/** Everything that came is taken, refused for a reason and kept, or was tried until it was. */
function whyNotKept(one: SentEvent, quarantine: Case['evidence']['ledger']['quarantine']): string | undefined {
  const { planned, acks, attempts, lostToRival, eventId } = one;
  const answers = [...new Set(attempts.map(({ status }) => status))].join(', ');
  if (planned.expected === 'invalid') {
    if (acks.length > 0) return `${nameOf(one)} is invalid and was answered ${answers}`;
    const trace = sha256(planned.who.email ?? '');
    return quarantine.some(({ reason, body }) => reason === 'invalid' && body.includes(trace)) ? undefined : `${nameOf(one)} is invalid, was answered ${answers} and is not in quarantine`;
  }
  const conflicted = lostToRival || (planned.sharedId !== undefined && acks.length === 0);
  if (conflicted) {
    const early = acks.find(({ answer }) => answer['status'] !== 'queued');
    if (early) return `${nameOf(one)} uses the id of another event and was answered ${String(early.answer['status'])}`;
    return quarantine.some((entry) => entry.reason === 'conflict' && entry.event_id === eventId) ? undefined : `${nameOf(one)} uses the id of another event and is not in quarantine`;
  }
  return acks.length === 0 ? `${nameOf(one)} was never taken (${answers === '' ? 'never sent' : answers})` : undefined;
}

function whyTimesDiffer(one: SentEvent, beganAt: number): string | undefined {
  const { planned, row, attempts } = one;
  if (!row) return undefined;
  const received = row.received_at.getTime();
  if (!attempts.some(({ sentAt, endedAt }) => received >= sentAt - MOST_SKEW_MS && received <= endedAt + MOST_SKEW_MS)) return `${nameOf(one)} was received at ${row.received_at.toISOString()}, when nobody sent it`;
  const claimed = planned.at === null ? received : occurredAt(planned.at, beganAt);
  const counted = row.occurred_at.getTime();
  if (counted === claimed) return undefined;
  const clamped = row.claimed_at?.getTime() === claimed && counted === received && claimed - received > 5 * 60_000;
  return clamped ? undefined : `${nameOf(one)} happened at ${new Date(claimed).toISOString()}, and the ledger says ${row.occurred_at.toISOString()}`;
}

function whyNotOnce(one: SentEvent, runs: number, exposures: Case['evidence']['ledger']['exposures']): string | undefined {
  const { planned, acks, eventId = '', row } = one;
  if (runs > 1) return `${nameOf(one)} has ${String(runs)} workflows`;
  if (exposures.length > 1) return `${nameOf(one)} has ${String(exposures.length)} exposure rows`;
  const [exposure] = exposures;
  if (exposure && (exposure.status !== row?.status || exposure.customer_id !== (planned.who.customer_id ?? null) || exposure.audience_key !== (planned.audience ?? null) || exposure.journey_id !== `j-${String(planned.index)}`)) {
    return `the exposure row of ${nameOf(one)} says something else than the event`;
  }
  const decided = acks.filter(({ answer }) => FIRST_DECISIONS.includes(String(answer['status'])));
  if (decided.length > 1) return `${nameOf(one)} was decided ${String(decided.length)} times: ${decided.map(({ answer }) => String(answer['status'])).join(', ')}`;
  for (const { answer } of acks) {
    if (answer['event_id'] !== eventId) return `${nameOf(one)} was answered with the id ${String(answer['event_id'])}`;
    const said = answer['status'] === 'duplicate' ? answer['first'] : answer['status'];
    if (said !== 'queued' && said !== row?.status) return `${nameOf(one)} was answered ${String(said)}, and the ledger says ${String(row?.status)}`;
    const until = typeof answer['until'] === 'string' ? answer['until'] : null;
    if (said !== 'queued' && until !== (row?.until?.toISOString() ?? null)) return `${nameOf(one)} was answered until ${until ?? 'nothing'}, and the ledger says ${String(row?.until?.toISOString())}`;
  }
  const window = planned.audience === undefined ? null : audienceOf(planned.audience).windowMs;
  const ends = row?.until?.getTime();
  return ends !== undefined && row?.event_id === eventId && row.status === 'applied' && planned.event === 'cio.audience_add' && window !== null && ends !== row.occurred_at.getTime() + window
    ? `${nameOf(one)} has a window until ${new Date(ends).toISOString()}, which is not its own`
    : undefined;
}

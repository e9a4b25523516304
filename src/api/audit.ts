/** Writes down what operators do (docs/audit.md): before it is done, and what came of it. */
import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import { LONGEST_WHO, type Actor, type AuditAction, type AuditEntry } from '../domain/audit.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Caller } from './authorise.ts';
import { callerAddress } from './caller-address.ts';
import { redactText, storable } from './redact.ts';

/** Wrong tokens of all callers together that are written down in a minute; the log of the process has them all. */
const MOST_WRONG = 60;
const LONGEST_TEXT = 400;

export interface AuditLogOptions {
  ledger: Pick<Ledger, 'writeAudit'>;
  logger: Logger;
}

export interface Described {
  /** What it is done to. */
  subject: string;
  /** Names and numbers of what was asked for. Never a secret or the name of a person. */
  detail?: Readonly<Record<string, unknown>>;
}

/** A text that somebody gave, as it may be kept: without e-mail addresses, and not endless. */
export const shortText = (given: unknown, longest = LONGEST_TEXT): string => (typeof given === 'string' ? redactText(storable(given.trim().slice(0, longest))) : '');

export class AuditLog {
  readonly #options: AuditLogOptions;
  #wrong: number[] = [];

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  /** Writes down that something is about to be done. Throws when the ledger does not take it, and then it must not be done. */
  async begin(actor: Actor, action: AuditAction, described: Described): Promise<Audited> {
    const audited = new Audited(this.#options, actor, action, described);
    await audited.write('begun', described.detail ?? {});
    return audited;
  }

  /** What must not wait for the ledger, such as a sign-in while it is down. The log of the process has it in any case. */
  note(entry: Omit<AuditEntry, 'actionId' | 'detail'> & { detail?: AuditEntry['detail'] }): void {
    const { via, who, credential, address, action, subject, outcome } = entry;
    this.#options.logger.info({ audit: { via, who, credential, address, action, subject, outcome } }, 'An operator did something.');
    this.#options.ledger.writeAudit([{ detail: {}, ...entry, actionId: randomUUID() }]).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, action }, 'The audit log did not take an entry, because the ledger does not answer; the line before this one is all there is of it.');
    });
  }

  /** Somebody gave a token that is none. @param at where they gave it */
  wrongToken({ via, address, at }: { via: 'api' | 'console'; address: string; at: string }): void {
    const now = Date.now();
    this.#wrong = this.#wrong.filter((time) => time > now - 60_000);
    if (this.#wrong.length >= MOST_WRONG) {
      this.#options.logger.warn({ address, at: shortText(at) }, 'Somebody gave a wrong token.');
      return;
    }
    this.#wrong.push(now);
    this.note({ via, who: 'nobody', credential: 'a wrong token', address, action: 'wrong_token', subject: shortText(at, 200), outcome: 'refused' });
  }
}

/** Something that is under way. */
export class Audited {
  readonly #options: AuditLogOptions;
  readonly #actor: Actor;
  readonly #action: AuditAction;
  readonly #described: Described;
  readonly #actionId = randomUUID();
  #told = false;

  constructor(options: AuditLogOptions, actor: Actor, action: AuditAction, described: Described) {
    this.#options = options;
    this.#actor = actor;
    this.#action = action;
    this.#described = described;
  }

  /** That it is done, to be written in the transaction that does it. */
  done(detail: Described['detail'] = {}, subject = this.#described.subject): AuditEntry {
    this.#told = true;
    this.#log('done');
    return { ...this.#actor, actionId: this.#actionId, action: this.#action, subject, outcome: 'done', detail };
  }

  async write(outcome: AuditEntry['outcome'], detail: Described['detail'] = {}): Promise<void> {
    if (outcome !== 'begun') this.#told = true;
    this.#log(outcome);
    await this.#options.ledger.writeAudit([{ ...this.#actor, actionId: this.#actionId, action: this.#action, subject: this.#described.subject, outcome, detail }]);
  }

  /** Runs something that is not of the ledger, and writes down what came of it. */
  async while<T>(work: () => Promise<T>, describe: (result: T) => Described['detail'] = () => ({})): Promise<T> {
    try {
      const result = await work();
      await this.write('done', describe(result));
      return result;
    } catch (error) {
      if (!this.#told) await this.write('failed', { problem: shortText((error as Error).message) }).catch(() => undefined);
      throw error;
    }
  }

  /** What the answer says of it, unless that is written down already. */
  async answered(status: number): Promise<void> {
    if (status < 400 && this.#told) return;
    await this.write(status < 400 ? 'done' : status < 500 ? 'refused' : 'failed', { answer: status });
  }

  /** It was not done after all, and the answer does not show that. */
  notDone(said: string): void {
    if (!this.#told) this.write('refused', { said: shortText(said) }).catch(() => undefined);
  }

  #log(outcome: AuditEntry['outcome']): void {
    const { via, who, credential, address } = this.#actor;
    this.#options.logger.info({ audit: { via, who, credential, address, action: this.#action, subject: this.#described.subject, outcome, id: this.#actionId } }, 'An operator did something.');
  }
}

/**
 * Stands before what does something, behind the guard and the reader of the body: writes down what is about to be done, and what was answered.
 * @param actorOf who it is
 * @param action of requests of several kinds, which; undefined: it changes nothing
 */
export function auditedBy(log: AuditLog, actorOf: (request: Request, response: Response) => Actor, action: AuditAction | ((request: Request) => AuditAction | undefined), describe: (request: Request) => Described): RequestHandler {
  return async (request, response, next) => {
    const which = typeof action === 'string' ? action : action(request);
    if (which === undefined) {
      next();
      return;
    }
    const audited = await log.begin(actorOf(request, response), which, describe(request));
    response.locals['audited'] = audited;
    response.once('close', () => {
      // An answer that never left says nothing of what was done.
      audited.answered(response.writableFinished ? response.statusCode : 500).catch(() => undefined);
    });
    next();
  };
}

/** Of a route of the api: what it does, to what, by whom. */
export const audited = (log: AuditLog, action: AuditAction, describe: (request: Request) => Described): RequestHandler => auditedBy(log, actorOfApi, action, describe);

/** What `audited` has begun. */
export const auditedOf = (response: Response): Audited => response.locals['audited'] as Audited;

function actorOfApi(request: Request, response: Response): Actor {
  const { name, credential } = response.locals['caller'] as Caller;
  const said = shortText(request.get('headgate-by') ?? (request.body as { by?: unknown } | undefined)?.by, LONGEST_WHO);
  return { via: 'api', who: name ?? (said === '' ? 'somebody' : said), credential, address: callerAddress(request) };
}

/** What the console is built from: the same parts and functions that the api and the command line use. */
import type { AccessOptions, AuditLog, GroupCommit, ReplayOptions, Watchdog, Watched } from '../api/index.ts';
import type { TargetRef } from '../domain/registry.ts';

/** What an operator may ask of the sync of a target; each answers in a sentence for people. */
export interface TargetActions {
  pause: (target: TargetRef) => Promise<string>;
  resume: (target: TargetRef) => Promise<string>;
  /** Tries refused members again. */
  retry: (target: TargetRef) => Promise<string>;
  pushNow: (target: TargetRef) => Promise<string>;
}

export interface ConsoleOptions extends ReplayOptions, AccessOptions {
  watching: Watched;
  watchdog: Pick<Watchdog, 'view'>;
  /** Takes a test event, as the door does. */
  commit: Pick<GroupCommit, 'submit'>;
  actions: TargetActions;
  /** From an e-mail in the clear to the hash that the ledger knows; undefined when it is none. */
  emailHash: (email: string) => string | undefined;
  audit: AuditLog;
  /** Address of the Temporal UI with its namespace, for links; undefined when it is not known. */
  temporalUi: string | undefined;
}

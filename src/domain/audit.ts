/** What the audit log says of an operator's action (docs/audit.md). */

/** Everything that is written down, with what it is for people. */
export const AUDITED = {
  sign_in: 'signed in to the console',
  sign_out: 'signed out of the console',
  wrong_token: 'gave a wrong token',
  'target.pause': 'paused a target',
  'target.resume': 'resumed a target',
  'target.push_now': 'had a target pushed at once',
  'target.retry': 'had refused members of a target tried again',
  'target.retire': 'gave a target up',
  'target.adopt': 'took a target up again',
  'audience.resync': 'had every member of an audience pushed again',
  'audience.release': 'released waves that the guard held',
  'audience.retire': 'gave an audience up',
  'audience.adopt': 'took an audience up again',
  'audience.rewindow': 'gave present members the window of headgate.yaml',
  'quarantine.replay': 'replayed quarantined events',
  'quarantine.discard': 'discarded quarantined events',
  'person.erase': 'had a person erased',
  'alert.acknowledge': 'looks after an alert',
  'alert.mute': 'muted an alert',
  'alert.test': 'sent test messages to owners',
  'event.test': 'sent a test event',
  'exposures.import': 'took exposures in from a file',
  'export.pause': 'paused an export',
  'export.resume': 'resumed an export',
  'export.retry': 'had refused rows of an export sent again',
  'export.restart': 'had an export begin anew',
  'action.pause': 'paused an action',
  'action.resume': 'resumed an action',
  'action.retry': 'had refused events sent to an action again',
  'ledger.reconcile': 'brought the ledger and Temporal together after a restore',
  'registry.adopt': 'loaded another headgate.yaml',
} as const;
export type AuditAction = keyof typeof AUDITED;

/** How it came: over HTTP, from a page, from a command that talks to Temporal itself, or from a process that started. */
export type AuditVia = 'api' | 'console' | 'cli' | 'process';

/** `begun` is written before anything is done, so that what a crash breaks off leaves a trace. */
export type AuditOutcome = 'begun' | 'done' | 'refused' | 'failed';

/** Who did it, as far as anybody can tell. */
export interface Actor {
  via: AuditVia;
  who: string;
  /** What shows that it was they. */
  credential: string;
  /** Where the request came from; null: not over the net. */
  address: string | null;
}

/** A row of the log. Holds no secret, no e-mail address, and no name of a person whose data it is about. */
export interface AuditEntry extends Actor {
  /** The same for all rows of one action. */
  actionId: string;
  action: AuditAction;
  subject: string;
  outcome: AuditOutcome;
  detail: Readonly<Record<string, unknown>>;
  /** Of rows that may be brought twice. */
  key?: string;
}

/** A name that somebody gave, short enough for a table. */
export const LONGEST_WHO = 100;

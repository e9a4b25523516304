/** Quarantine keeps what could not be understood, or contradicts what is known, for a person to replay or discard. */

/** One mistake in a body: where (`audience_key`, `profile.birth_date`) and what to do about it. */
export interface Problem {
  path: string;
  message: string;
}

/** A quarantined body. Holds no raw e-mail or phone: the door replaces them before it is kept. */
export interface QuarantineEntry {
  source: string;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  reason: 'invalid' | 'conflict';
  eventId?: string;
  problems: Problem[];
  body: string;
}

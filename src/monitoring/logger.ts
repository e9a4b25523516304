/** Structured logs. Every line may carry event_id, audience, destination, source; never a raw e-mail, phone or secret. */
import { pino, type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

export interface LoggerOptions {
  level: string;
  /** Lines for people instead of JSON. */
  pretty: boolean;
}

/** Makes the one logger of a process; it writes to standard output. */
export function createLogger({ level, pretty: forPeople }: LoggerOptions): Logger {
  const options = { level, base: null, redact: { paths: ['*.access_token', '*.secret', '*.authorization'], censor: '***' } };
  if (!forPeople) return pino(options);
  // People read the sentence; the fields are for machines and for whoever asks for details.
  const hideObject = !['trace', 'debug'].includes(level);
  return pino(options, pretty({ colorize: process.stdout.isTTY, hideObject, translateTime: 'SYS:HH:MM:ss', sync: true }));
}

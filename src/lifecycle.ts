/** The life of a process: started in order, stopped in the opposite order, errors told in one sentence. */
import { ConfigurationError } from './config/configuration-error.ts';
import { EmbeddedError } from './embedded/embedded-error.ts';

/** Something that was started and has to be stopped. */
export interface Stoppable {
  name: string;
  stop: () => Promise<void>;
}

/** What was started so far. */
export class Lifecycle {
  readonly #started: Stoppable[] = [];
  #stopping: Promise<void> | undefined;
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Notes how to stop something that has just been started. */
  started(name: string, stop: () => Promise<void>): void {
    this.#started.push({ name, stop });
  }

  /** Stops everything, the last first. A part that cannot be stopped does not keep the others running. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const { name, stop } of this.#started.toReversed()) {
      try {
        await stop();
      } catch (error) {
        this.#say(`${name} did not stop in order: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

/**
 * Runs a process until it is asked to end (SIGINT, SIGTERM) or `start` says that it failed. A second request ends it at once.
 * Exit status: 0 when asked, 1 when it failed.
 * @param say default: a line on standard error
 */
export async function runProcess(start: (life: Lifecycle) => Promise<{ failed?: Promise<never>; orphaned?: Promise<void> }>, say = toStandardError): Promise<void> {
  const life = new Lifecycle(say);
  const asked = Promise.withResolvers<void>();
  let requests = 0;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (++requests > 1 && signal === 'SIGINT') process.exit(130);
      if (requests === 1) say('Stopping …');
      asked.resolve();
    });
  }
  try {
    const starting = start(life);
    starting.catch(() => undefined);
    const running = await Promise.race([starting, asked.promise]);
    if (running) await Promise.race([asked.promise, ...(running.failed ? [running.failed] : []), ...(running.orphaned ? [running.orphaned] : [])]);
  } catch (error) {
    say(explain(error));
    process.exitCode = 1;
  }
  await life.stop();
  if (requests > 0) say('Stopped.');
  process.exit();
}

const toStandardError = (line: string): void => void process.stderr.write(`${line}\n`);

/** One clear sentence for what a person can mend; a stack for what only we can. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof EmbeddedError) return error.message;
  const { code, port } = (error ?? {}) as { code?: unknown; port?: unknown };
  if (code === 'EADDRINUSE') return `Port ${String(port)} is already in use: stop what uses it, or set HEADGATE_PORT to another port.`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

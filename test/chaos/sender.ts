/**
 * Sends the traffic as Customer.io does: a limit on what is under way, no answer after 4 s counts as none, a 5xx and a broken
 * connection are tried again later with the same body, a 4xx is not. Writes down what was answered.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { sign } from '../../src/api/index.ts';
import { SECRET, SOURCE } from './audiences.ts';
import { bodyText, type PlannedEvent, type TrafficPlan } from './traffic-plan.ts';

/** One request. Times in milliseconds since the epoch. */
export interface Attempt {
  /** The planned event's place in the plan. */
  index: number;
  sentAt: number;
  endedAt: number;
  /** HTTP status; 0 when no answer came. */
  status: number;
  answer: Record<string, unknown>;
}

const MOST_UNDER_WAY = 60;
/** Customer.io hangs up after 4 s. */
const PATIENCE_MS = 4_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4_000;
const TICK_MS = 5;

interface Due {
  at: number;
  event: PlannedEvent;
  tries: number;
}

export interface SenderOptions {
  plan: TrafficPlan;
  /** Milliseconds since the epoch. */
  beganAt: number;
  /** Where the apis listen, in turns. */
  apis: readonly string[];
  /** What was answered is written here too, a line each. */
  file: string;
}

export class Sender {
  readonly attempts: Attempt[] = [];
  readonly #options: SenderOptions;
  readonly #file: WriteStream;
  readonly #planned: Due[];
  readonly #again: Due[] = [];
  #underWay = 0;
  #next = 0;
  #stopped = false;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#file = createWriteStream(options.file);
    this.#planned = options.plan.events
      .flatMap((event) => event.sends.map((at): Due => ({ at: options.beganAt + at, event, tries: 0 })))
      .sort((a, b) => a.at - b.at);
  }

  /** How many requests have neither been answered for good nor given up. */
  get left(): number {
    return this.#planned.length + this.#again.length + this.#underWay;
  }

  /** Resolves when all is answered, or after `stop`. */
  async run(): Promise<void> {
    while (this.left > 0 && !this.#stopped) {
      this.#sendDue(this.#planned);
      this.#sendDue(this.#again);
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    await new Promise((resolve) => this.#file.end(resolve));
  }

  stop(): void {
    this.#stopped = true;
  }

  #sendDue(queue: Due[]): void {
    const now = Date.now();
    for (let due = queue[0]; due && due.at <= now && this.#underWay < MOST_UNDER_WAY; due = queue[0]) {
      queue.shift();
      this.#underWay++;
      void this.#send(due).finally(() => this.#underWay--);
    }
  }

  async #send({ event, tries }: Due): Promise<void> {
    const { beganAt, apis } = this.#options;
    const sentAt = Date.now();
    const { status, answer } = await post(apis[this.#next++ % apis.length] ?? '', bodyText(event, beganAt));
    const attempt: Attempt = { index: event.index, sentAt, endedAt: Date.now(), status, answer };
    this.attempts.push(attempt);
    this.#file.write(`${JSON.stringify(attempt)}\n`);
    if (status !== 0 && status < 500) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries);
    const at = Date.now() + pauseMs;
    const place = this.#again.findIndex((due) => due.at > at);
    this.#again.splice(place === -1 ? this.#again.length : place, 0, { at, event, tries: tries + 1 });
  }
}

async function post(api: string, body: string): Promise<{ status: number; answer: Record<string, unknown> }> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  try {
    const response = await fetch(`${api}/v1/webhooks/${SOURCE}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(SECRET, timestamp, body) },
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
  } catch (error) {
    return { status: 0, answer: { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) } };
  }
}

/**
 * A model of the sync: the real activities on a real ledger, against a platform that does anything a platform may do, while people are decided
 * on, and workers sleep, die and are taken for lost at any of their steps. HEADGATE_RUNS tries more stories; a failure prints how to replay it
 * (which repeats the story, not the chances of what it does at once).
 *
 * What is promised: at rest the platform holds exactly those who are in; no call begins while another one to the same target may be under way
 * within its deadline; removals go before adds, which keep one call in five. docs/model.md says what is not part of the model, and which mistakes
 * it finds.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, test, vi } from 'vitest';
import type { Audience, DestinationEntry } from '../../src/domain/registry.ts';
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { holds, PATIENCE_MS } from '../support/property.ts';
import { compareAtRest } from './at-rest.ts';
import { stories, type Step, type Story } from './sync-stories.ts';
import { SyncWorld, type Surroundings } from './sync-world.ts';
import { VirtualTime } from './virtual-time.ts';
import type { Plan } from './worker-process.ts';
import { NO_TEMPORAL } from '../support/no-temporal.ts';
import { QUIET_MONITOR } from '../support/quiet-monitor.ts';

const RUNS = 25;
/** A wait of a busy process is never short, in milliseconds. */
const SHORTEST_WAIT_MS = 1_000;

const waiting = vi.hoisted(() => ({ pass: (ms: number): Promise<void> => Promise.reject(new Error(`nobody lets ${String(ms)} ms pass`)) }));
vi.mock('node:timers/promises', () => ({ setTimeout: (ms: number) => waiting.pass(ms) }));

let database: TestDatabase;
let ledger: Ledger;
let around: Surroundings;
beforeAll(async () => {
  database = await createDatabase();
  // What a commit survives is not the question here.
  await database.query(`alter database ${new URL(database.url).pathname.slice(1)} set synchronous_commit = off`);
  const time = await VirtualTime.install(database);
  waiting.pass = (ms) => time.pass(Math.max(ms, SHORTEST_WAIT_MS));
  vi.spyOn(performance, 'now').mockImplementation(() => time.now);
  const audiences = new Map<string, Audience>();
  const destinations = new Map<string, DestinationEntry>();
  const policies = { audiences, destinations };
  const logger = createLogger({ level: 'silent', pretty: false });
  ledger = openLedger({ url: database.url, policies, logger });
  around = { database, ledger, time, audiences, destinations, dependencies: { policies, exporters: new Map(), actions: new Map(), wakeAction: () => undefined, sizesEveryMs: 6 * 3_600_000, wake: () => undefined, monitor: QUIET_MONITOR, gateway: NO_TEMPORAL, stopping: new AbortController().signal, logger, metrics: createMetrics() } };
});
afterAll(async () => {
  vi.restoreAllMocks();
  await ledger.close();
  await database.drop();
});

let runs = 0;

async function tell(story: Story): Promise<void> {
  const world = new SyncWorld(`r${String(++runs)}`, story, around);
  for (const step of story.steps) await world.act(step);
  await world.comeToRest();
  const { run, audiences, events, platform } = world;
  await compareAtRest({ run, audiences, events, destination: platform.name, now: around.time.now, holds: (id) => platform.identifiers(id) }, database);
}

test('whatever a platform does and whenever workers sleep or die, it ends with exactly those who are in', async () => {
  await holds(fc.asyncProperty(stories({ decidesLater: false }), tell), RUNS);
}, PATIENCE_MS);

test('the same with a platform that takes requests in and decides them later, in any order', async () => {
  await holds(fc.asyncProperty(stories({ decidesLater: true }), tell), RUNS);
}, PATIENCE_MS);

const HOUR = 60 * 60_000;
/** Customer 0 enters the first audience, or leaves it. */
const decided = (leaves: boolean): Step => ({ do: 'decide', happenings: [{ leaves, audience: 0, customer: 0, isLead: false, email: 0, phone: false, isDenied: false, agoMs: 0 }] });
const pushed = (plan: Plan = { fates: [] }): Step => ({ do: 'push', target: 0, plan, now: true });
/** Twice, because the answers may make another push needed. */
const asked: Step[] = [1, 2].flatMap((): Step[] => [{ do: 'pass', ms: 2 * 60_000 }, { do: 'ask', target: 0, plan: { fates: [] } }, pushed()]);

test.each<[string, Step[]]>([
  ['was lost', [pushed({ fates: ['applies silently'] })]],
  ['met a worker that was killed', [pushed({ fates: [], stop: { at: 'answered', time: 0 } }), { do: 'kill', which: 0 }, { do: 'pass', ms: 20_000 }]],
])('a call whose answer %s, and which the platform takes in and decides long after newer ones, does not have the last word', async (_, call) => {
  const style = { decidesLater: true, membersPerCall: 3, paceMs: 0, callsPerMinute: undefined };
  await tell({ style, verdicts: [{ what: 'decides', withinMs: HOUR / 2 }], steps: [decided(false), ...call, decided(true), pushed(), ...asked, { do: 'pass', ms: HOUR }] });
});

test('a removal that a worker makes after it has slept, and whose answer the adapter does not understand, does not have the last word', async () => {
  const style = { decidesLater: false, membersPerCall: 3, paceMs: 0, callsPerMinute: undefined };
  const slept: Step[] = [pushed({ fates: ['breaks'], stop: { at: 'sending', time: 0 } }), { do: 'pass', ms: 20_000 }];
  await tell({ style, verdicts: [], steps: [decided(true), ...slept, decided(false), pushed(), { do: 'go on', which: 0, plan: { fates: [] }, cancelled: false }] });
});

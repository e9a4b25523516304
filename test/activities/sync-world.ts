/** Tells a story to real activities on a real ledger, watches what they promise meanwhile, and says what must be so at rest. */
import { createActivities, type ActivityDependencies } from '../../src/activities/index.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Audience, DestinationEntry, TargetRef } from '../../src/domain/registry.ts';
import { targetKey } from '../../src/domain/registry.ts';
import type { Ledger, Pending } from '../../src/ledger/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { makeAudience } from '../support/events.ts';
import { fromTheEnd, ModelPlatform, WRONG } from './model-platform.ts';
import { ModelSync, type StartProcess } from './model-sync.ts';
import type { Happening, Step, Story } from './sync-stories.ts';
import type { VirtualTime } from './virtual-time.ts';
import { WorkerProcess, type Plan, type StartedCall } from './worker-process.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A call is made within 5 s after it was written down, and lasts 10 s at most. A process that stops within it is not under way after that. Milliseconds. */
const CALL_ENDS_AFTER_MS = 15_000;
/** Of five calls in a row one is kept for adds; calls longer ago do not count, in milliseconds (give or take one). Written down here once more. */
const CALLS_IN_TURN = 5;
const TURNS_COUNT_FOR_MS = 30_000;
/** What still has something to push after so many rounds never comes to rest. */
const MOST_ROUNDS = 60;
/** Looks at what is pending before any time passes. */
const MOST_LOOKS_AT_ONCE = 200;
/** After so many rounds a person looks why. */
const ROUNDS_OF_PATIENCE = 10;
const ALL_GOES_WELL: Plan = { fates: [] };

export interface Surroundings {
  database: TestDatabase;
  ledger: Ledger;
  time: VirtualTime;
  /** What the ledger decides by; a world puts its own in. */
  audiences: Map<string, Audience>;
  destinations: Map<string, DestinationEntry>;
  dependencies: Omit<ActivityDependencies, 'ledger' | 'destinations'>;
}

interface Call {
  process: WorkerProcess;
  target: string;
  push: StartedCall;
}

export class SyncWorld {
  readonly run: string;
  readonly platform: ModelPlatform;
  readonly audiences: Audience[];
  readonly events: HeadgateEvent[] = [];
  readonly #around: Surroundings;
  readonly #syncs: ModelSync[];
  readonly #processes: WorkerProcess[] = [];
  readonly #calls: Call[] = [];
  readonly #broken: string[] = [];
  #looks = { at: 0, count: 0 };
  #atOnce = 0;
  #made = 0;

  constructor(run: string, story: Story, around: Surroundings) {
    const { time } = around;
    this.run = run;
    this.#around = around;
    this.platform = new ModelPlatform(`${run}_main`, story.style, [...story.verdicts], time, (id) => this.#processes[Number(id)]!);
    const key = (name: string): string => `${run}_${name}_v1`;
    const audience = (name: string, windowMs: number, excludes: string[]): Audience =>
      makeAudience({ key: key(name), windowMs, excludes, targets: [{ destination: this.platform.name, audienceKey: key(name), platformAudienceId: name }] });
    // Longer than it takes to come to rest: whom a window takes out again hides what went wrong with them before.
    this.audiences = [audience('cart', 6 * HOUR, []), audience('cross', 24 * HOUR, [key('cart')])];
    around.audiences.clear();
    around.destinations.clear();
    for (const one of this.audiences) around.audiences.set(one.key, one);
    around.destinations.set(this.platform.name, { name: this.platform.name, platform: this.platform.platform, mode: 'live', testProfiles: [] });
    time.before = (ms) => {
      this.platform.moveTo(ms);
    };
    this.#syncs = this.audiences.map(({ key: audienceKey }) => {
      const target = { destination: this.platform.name, audienceKey };
      return new ModelSync(target, time, (plan, attempt, start) => this.#startProcess(target, plan, attempt, start));
    });
  }

  /** Throws when a promise was broken meanwhile. */
  async act(step: Step): Promise<void> {
    const { time, ledger } = this.#around;
    switch (step.do) {
      case 'decide':
        await time.pass(1);
        await this.#decide(step.happenings);
        break;
      case 'push':
        await this.#sync(step.target).push(step.plan, step);
        break;
      case 'ask':
        await this.#sync(step.target).ask(step.plan);
        break;
      case 'go on':
        await this.#goOn(this.#stopped(step.which), step.plan, step.cancelled);
        break;
      case 'kill': {
        const process = this.#stopped(step.which);
        if (process && !process.kill()) await this.#goOn(process, ALL_GOES_WELL, false);
        break;
      }
      case 'pass':
        await time.pass(step.ms);
        break;
      case 'sweep':
        await ledger.applyEvents((await ledger.findOverdue(this.audiences.map(({ key }) => key), 100)).map((expiry) => ({ kind: 'expire', ...expiry })));
        break;
      case 'arrive':
        this.platform.arrive(step.which);
        break;
      case 'decide a request':
        this.platform.decide(step.which);
        break;
      case 'at once':
        this.#atOnce++;
        await Promise.all(step.steps.map((one) => this.act(one)));
        this.#atOnce--;
    }
    if (this.#processes.some(({ hasCalledTooLate }) => hasCalledTooLate)) this.#broken.push('a call was made after its deadline');
    if (this.#broken.length > 0) throw new Error(this.#broken.join('\n'));
  }

  /** All processes have gone on and ended, the platform does what it is told, and nothing is left to be done. */
  async comeToRest(): Promise<void> {
    this.platform.behave();
    for (let process = this.#stopped(0); process; process = this.#stopped(0)) await this.#goOn(process, ALL_GOES_WELL, false);
    for (let round = 1, left = await this.#left(); left.length > 0; round++, left = await this.#left()) {
      if (round > MOST_ROUNDS) throw new Error(`does not come to rest: ${JSON.stringify(left)}`);
      await this.act({ do: 'sweep' });
      await this.#around.ledger.retryBlocked(0);
      for (const sync of this.#syncs) if (left.some(({ audience_key }) => audience_key === sync.target.audienceKey)) await this.#settle(sync, round % ROUNDS_OF_PATIENCE === 0);
      await this.act({ do: 'pass', ms: round % 3 === 0 ? 45 * MINUTE : MINUTE });
    }
  }

  async #settle(sync: ModelSync, isExamined: boolean): Promise<void> {
    if (isExamined && sync.isStuck) {
      await this.#around.ledger.retryRefused(sync.target, undefined);
      sync.forgive();
    }
    if (this.platform.followUp) await sync.ask(ALL_GOES_WELL);
    await sync.push(ALL_GOES_WELL, { now: false });
    if (this.#broken.length > 0) throw new Error(this.#broken.join('\n'));
  }

  /** What is not at rest. */
  #left(): Promise<{ audience_key: string; what: string }[]> {
    return this.#around.database.query(
      `select audience_key, concat_ws(' ', person_id, wanted, status) as what from deliveries where destination = $1 and status not in ('accepted', 'rejected')
       union all select audience_key, concat_ws(' ', 'call', operation, outcome, request_id) from pushes where destination = $1 and finished_at is null
       union all select audience_key, concat_ws(' ', 'overdue', person_id) from memberships where state = 'in' and audience_key = any($2) and expires_at <= virtual.clock_timestamp()`,
      [this.platform.name, this.audiences.map(({ key }) => key)],
    );
  }

  #sync(number: number): ModelSync {
    return this.#syncs[number % this.#syncs.length]!;
  }

  #stopped(number: number): WorkerProcess | undefined {
    return fromTheEnd(this.#processes.filter(({ state }) => state === 'stopped'), number);
  }

  async #goOn(process: WorkerProcess | undefined, plan: Plan, isCancelled: boolean): Promise<void> {
    if (!process) return;
    if (isCancelled) process.cancel();
    const sync = this.#syncs.find(({ waitsFor }) => waitsFor === process);
    if (sync) return sync.goOn(plan);
    process.goOn(plan);
    await process.still;
  }

  #startProcess(target: TargetRef, ...[plan, attempt, start]: Parameters<StartProcess>): WorkerProcess {
    const { dependencies, ledger, time } = this.#around;
    const process = new WorkerProcess(String(this.#processes.length), plan, time, attempt);
    this.#processes.push(process);
    const seen = process.ledger(ledger, (step, result) => this.#watch(process, target, step, result));
    const activities = createActivities({ ...dependencies, ledger: seen, destinations: new Map([[this.platform.name, this.platform]]) });
    process.start(...start(activities));
    return process;
  }

  async #watch(process: WorkerProcess, target: TargetRef, step: string, result: unknown): Promise<void> {
    if (step === 'startPush' && 'pushId' in (result as object)) this.#watchStart(process, target);
    if (step === 'loadPending') this.#watchPatience(target);
    if (step === 'loadPending' && this.#atOnce === 0) await this.#watchOrder(target, result as Pending);
  }

  /** Throws when somebody looks again and again and waits for nothing: it would never end here, and burn a processor elsewhere. */
  #watchPatience(target: TargetRef): void {
    const { now } = this.#around.time;
    this.#looks = this.#looks.at === now ? { at: now, count: this.#looks.count + 1 } : { at: now, count: 1 };
    if (this.#looks.count <= MOST_LOOKS_AT_ONCE) return;
    this.#broken.push(`${targetKey(target)} is looked at for ever`);
    throw new Error('the model ends this');
  }

  /** No call begins while another one to the same target may be under way. */
  #watchStart(process: WorkerProcess, target: TargetRef): void {
    const others = this.#calls.filter((call) => call.target === targetKey(target) && call.process !== process && call.process.isCalling && call.process.push === call.push && call.push.startedAt + CALL_ENDS_AFTER_MS > this.#around.time.now + 1);
    if (others.length > 0) this.#broken.push(`a call to ${targetKey(target)} began while ${String(others.length)} other(s) were under way`);
    if (process.push) this.#calls.push({ process, target: targetKey(target), push: process.push });
  }

  /** Removals go first, unless they have had all calls but one of the last ones; then adds do. */
  async #watchOrder(target: TargetRef, { operation }: Pending): Promise<void> {
    const { database } = this.#around;
    const [seen] = await database.query<{ adds: number; removals: number; turn_age_ms: number | null }>(
      `with last as (
         select operation, started_at from pushes where destination = $1 and audience_key = $2 order by started_at desc limit $3)
       select (select count(*) from deliveries where destination = $1 and audience_key = $2 and status = 'pending' and wanted = 'in')::int as adds,
              (select count(*) from deliveries where destination = $1 and audience_key = $2 and status = 'pending' and wanted = 'out')::int as removals,
              case when count(*) filter (where operation = 'remove') = $3 then extract(epoch from virtual.clock_timestamp() - min(started_at))::float8 * 1000 end as turn_age_ms
       from last`,
      [target.destination, target.audienceKey, CALLS_IN_TURN - 1],
    );
    if (!seen) return;
    const { adds, removals, turn_age_ms: ageMs } = seen;
    const mayBeTurnOfAdds = ageMs !== null && ageMs < TURNS_COUNT_FOR_MS + 1;
    const isTurnOfAdds = ageMs !== null && ageMs < TURNS_COUNT_FOR_MS - 1;
    if (operation === 'add' && removals > 0 && !mayBeTurnOfAdds) this.#broken.push(`adds went before ${String(removals)} removals`);
    if (operation === 'remove' && adds > 0 && isTurnOfAdds) this.#broken.push(`adds had none of ${String(CALLS_IN_TURN)} calls`);
  }

  async #decide(happenings: readonly Happening[]): Promise<void> {
    const events = happenings.map((happening) => this.#event(happening));
    this.events.push(...events);
    await this.#around.ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
  }

  /** Customer 3's own e-mails are wrong ones. */
  #event({ leaves, audience, customer, isLead, email, phone, isDenied, agoMs }: Happening): HeadgateEvent {
    const { now } = this.#around.time;
    const own = `${this.run}-${String(customer)}`;
    const emailHash = email === undefined ? (isLead ? `${own}-0` : undefined) : email === 2 ? `${this.run}-shared` : `${own}-${String(email)}${customer === 3 ? WRONG : ''}`;
    const phoneHash = phone ? `${this.run}-phone` : undefined;
    return {
      eventId: `${this.run}-${String(this.#made++)}`,
      source: this.run,
      people: this.run,
      name: leaves ? 'cio.audience_remove' : 'cio.audience_add',
      audienceKey: this.audiences[audience]!.key,
      occurredAt: now - agoMs,
      receivedAt: now,
      person: { ...(isLead ? {} : { customerId: own }), ...(emailHash === undefined ? {} : { emailHash }), ...(phoneHash === undefined ? {} : { phoneHash }) },
      identifiers: { model: [...(emailHash === undefined ? [] : [{ type: 'EMAIL', value: emailHash }]), ...(phoneHash === undefined ? [] : [{ type: 'PHONE', value: phoneHash }])] },
      ...(isDenied ? { consent: { ad_user_data: 'denied' as const } } : {}),
      context: {},
      attributes: {},
    };
  }
}

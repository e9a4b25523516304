/** Tells a story to real ledgers and model platforms, several at once, and reads what came of it. */
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Identifier, IdentifiersByPlatform } from '../../src/domain/identifiers.ts';
import type { Ledger, PendingMember, PushOperation } from '../../src/ledger/index.ts';
import type { TestDatabase } from '../support/database.ts';
import { PlatformModel } from '../support/platform-model.ts';
import { END, roundsOf, timeOf, type Action, type Story, type World } from '../support/stories.ts';

interface Target {
  destination: string;
  audienceKey: string;
}

/** What a process has read and is about to call; it may sleep in between. */
interface Read {
  target: Target;
  operation: PushOperation;
  members: PendingMember[];
  /** What the call carries, one row for each member. */
  rows: string[][];
}

interface OpenPush extends Read {
  pushId: string;
  applied: boolean;
  /** The connection broke: it may still be applied, but nobody will ever hear of it. */
  unheard: boolean;
}

const MEMBERS_PER_CALL = 3;
/** What still has something to push after so many calls never comes to rest. */
const MOST_CALLS = 200;

export const platformOf = (target: { destination: string }): string => target.destination.replace('_main', '');
export const asText = ({ type, value }: Identifier): string => `${type}:${value}`;
/** Decides later, as Google does. */
const decidesLater = (target: Target): boolean => target.destination === 'google_main';

export class Telling {
  readonly events: HeadgateEvent[];
  readonly platforms: Map<string, PlatformModel>;
  readonly #story: Story;
  readonly #world: World;
  readonly #ledgers: readonly Ledger[];
  readonly #database: TestDatabase;
  /** The person that each event's workflow knows: the one of its first decision. */
  readonly #personOf = new Map<string, string>();
  readonly #read: Read[] = [];
  readonly #open: OpenPush[] = [];
  #turn = 0;

  constructor(story: Story, world: World, ledgers: readonly Ledger[], database: TestDatabase) {
    this.#story = story;
    this.#world = world;
    this.#ledgers = ledgers;
    this.#database = database;
    this.events = story.planned.map((planned) => world.event(planned));
    this.platforms = new Map(world.targets.map((target) => [nameOf(target), new PlatformModel()]));
  }

  /** Everything arrives, and what is to happen in between happens. */
  async tell(): Promise<void> {
    for (const [number, round] of roundsOf(this.#story).entries()) {
      await Promise.all(round.map((batch) => this.#apply(batch)));
      for (const action of this.#story.actions[number % this.#story.actions.length] ?? []) await this.#act(action);
    }
  }

  /** Everything arrives at the same time, and once more. */
  async tellAtOnce(): Promise<void> {
    await Promise.all([...this.events.keys(), ...this.events.keys()].map((index) => this.#apply([index])));
  }

  /** All timers have fired, all calls have ended, and nothing is pending. */
  async comeToRest(): Promise<void> {
    await Promise.all(this.events.map((event) => this.#expire(event, END)));
    await this.#endCalls();
    await this.#sync();
  }

  /** Pushes until nothing is pending, but where another call may be under way. Calls that are open stay so. */
  async #sync(): Promise<void> {
    for (const target of await this.#needy()) {
      for (let calls = 0; ; calls++) {
        if (calls > MOST_CALLS) throw new Error(`${nameOf(target)} does not come to rest`);
        const { operation, read } = await this.#readPending(target);
        const push = read && (await this.#call(read, true));
        if (push) await this.#finish(push);
        else if (operation === 'none' || read) break;
      }
    }
  }

  async #endCalls(): Promise<void> {
    for (const push of this.#open.splice(0)) await this.#finish(push);
    for (const read of this.#read.splice(0)) {
      const push = await this.#call(read, false);
      if (push) await this.#finish(push);
    }
  }

  get #ledger(): Ledger {
    return this.#ledgers[this.#turn++ % this.#ledgers.length]!;
  }

  async #apply(batch: readonly number[]): Promise<void> {
    const events = batch.flatMap((index) => this.events[index] ?? []);
    const { outcomes } = await this.#ledger.applyEvents(events.map((event) => ({ kind: 'event', event })));
    for (const [index, outcome] of outcomes.entries()) {
      const event = events[index];
      if (outcome.kind !== 'decided' && outcome.kind !== 'duplicate') throw new Error(`${event?.eventId ?? ''} was not decided but ${outcome.kind}`);
      if (event && outcome.decision.personId !== null) this.#personOf.set(event.eventId, outcome.decision.personId);
    }
  }

  async #act(action: Action): Promise<void> {
    switch (action.do) {
      case 'expire': {
        const event = this.events[action.event % this.events.length];
        if (event) await this.#expire(event, timeOf(action.at));
        return;
      }
      case 'sync':
        await this.#sync();
        return;
      case 'read': {
        const needy = await this.#needy();
        const target = needy[action.target % needy.length];
        const { read } = target ? await this.#readPending(target) : {};
        if (read) this.#read.push(read);
        return;
      }
      case 'call': {
        const read = takeFrom(this.#read, action.push);
        const push = read && (await this.#call(read, action.appliedAtOnce));
        if (push) this.#open.push(push);
        return;
      }
      case 'finish': {
        const push = takeFrom(this.#open, action.push);
        if (push) await this.#finish(push);
        return;
      }
      case 'lose': {
        const push = this.#open[action.push % this.#open.length];
        if (push) await this.#lose(push);
      }
    }
  }

  /** The timer of an add, armed for the person whom the event was decided for. */
  async #expire({ eventId, audienceKey = '', name }: HeadgateEvent, at: number): Promise<void> {
    const personId = this.#personOf.get(eventId);
    if (personId === undefined || name !== 'cio.audience_add') return;
    await this.#ledger.applyEvents([{ kind: 'expire', personId, audienceKey, eventId, at }]);
  }

  async #needy(): Promise<Target[]> {
    return (await this.#ledger.findTargetsToPush()).filter(({ audienceKey }) => audienceKey.startsWith(`${this.#world.run}_`));
  }

  /** Reads what a target needs. `read` is absent when no call can carry it. */
  async #readPending(target: Target): Promise<{ operation: PushOperation | 'none'; read?: Read }> {
    const { operation, members } = await this.#ledger.loadPending(target, MEMBERS_PER_CALL, { atOnce: true, callsAreScarce: true });
    if (operation === 'none') return { operation };
    const rowOf = ({ today, former }: PendingMember): string[] => identifiersAt(target, operation === 'remove' ? [today, former] : [today]);
    const usable = members.filter((member) => rowOf(member).length > 0);
    const unusable = members.filter((member) => rowOf(member).length === 0);
    if (unusable.length > 0) await this.#ledger.rejectMembers(target, unusable.map(({ personId, revision }) => ({ personId, revision, status: 'rejected', reason: 'no usable identifier' })));
    return { operation, ...(usable.length > 0 ? { read: { target, operation, members: usable, rows: usable.map(rowOf) } } : {}) };
  }

  /** Undefined when another call to the target is under way. */
  async #call(read: Read, appliedAtOnce: boolean): Promise<OpenPush | undefined> {
    const { target, operation, members } = read;
    const started = await this.#ledger.startPush(target, { operation, members, deadlineMs: 60_000 });
    if ('busyMs' in started) return undefined;
    const { pushId } = started;
    const push: OpenPush = { ...read, pushId, applied: false, unheard: false };
    if (appliedAtOnce) this.#applyAtPlatform(push);
    if (decidesLater(target)) {
      const taken = members.map(({ personId, revision }) => ({ personId, revision, status: 'processing' as const }));
      await this.#ledger.finishPush(target, { pushId, operation }, taken, { requestId: pushId, checkAfterMs: 60_000, giveUpAfterMs: 60_000 });
    }
    return push;
  }

  #applyAtPlatform(push: OpenPush): void {
    if (push.applied) return;
    push.applied = true;
    const platform = this.platforms.get(nameOf(push.target));
    for (const row of push.rows) {
      if (push.operation === 'add') platform?.add(row);
      else platform?.remove(row);
    }
  }

  async #finish(push: OpenPush): Promise<void> {
    this.#applyAtPlatform(push);
    const { pushId, target, operation, members } = push;
    if (push.unheard) await this.#database.query("update pushes set deadline = clock_timestamp() - interval '1 second' where push_id = $1", [pushId]);
    else if (decidesLater(target)) await this.#ledger.settleRequest(target, { pushId, requestId: pushId, operation, members: members.length, checks: 0 }, { status: 'accepted' });
    else await this.#ledger.finishPush(target, { pushId, operation }, members.map(({ personId, revision }) => ({ personId, revision, status: 'accepted' })));
  }

  /** The sync goes on; the platform may apply the call until its deadline, or, when it has not by now, never. */
  async #lose(push: OpenPush): Promise<void> {
    if (push.unheard || decidesLater(push.target)) push.applied = true;
    else await this.#ledger.notePushUnanswered(push.pushId, 0);
    push.unheard = true;
  }
}

function takeFrom<T>(given: T[], number: number): T | undefined {
  return given.length === 0 ? undefined : given.splice(number % given.length, 1)[0];
}

export const nameOf = ({ destination, audienceKey }: Target): string => `${destination}/${audienceKey}`;

export const identifiersAt = (target: { destination: string }, given: readonly IdentifiersByPlatform[]): string[] => [
  ...new Set(given.flatMap((identifiers) => identifiers[platformOf(target)] ?? []).map(asText)),
];

/**
 * Wins back who paused: waits, sends a postcard, waits, grants a bonus, waits, gives up. A resumed subscription ends it at any point.
 * One entity workflow for each person lives for weeks; the event workflows only tell it what happened. README.md says why.
 */
import { condition, defineQuery, defineSignal, emit, lastEvent, setCurrentDetails, setHandler, steps, tellEntity, type EventInput, type Told } from 'headgate/workflow';
import type { Activities } from './activities.ts';
import type { Paused } from './schema.ts';
import type { Plan } from './settings.ts';

const { readPlan, askShop } = steps<Activities>();

type Pause = EventInput<Paused>;

export const pausedSignal = defineSignal<[Pause]>('paused');
export const resumedSignal = defineSignal<[{ occurredAt: number }]>('resumed');
export const standingQuery = defineQuery<Standing>('standing');

export interface Standing {
  /** The event of the pause that it is about. */
  pause: string;
  doing: 'waits before the postcard' | 'waits before the bonus' | 'waits after the bonus' | 'looks how things are';
  sent: string[];
}

export interface Ended {
  because: 'resumed' | 'gave up' | 'had a postcard not long ago';
  /** The events that were sent, for this pause and those before it. */
  sent: string[];
}

/** Longer than any ledger lives. */
const EVER_MS = 36_500 * 86_400_000;
/** Clocks differ: an event may seem to come from the future. */
const CLOCKS_MS = 86_400_000;

/** Each `subscription.paused`. */
export async function winBackStart(input: Pause): Promise<Told> {
  return tellEntity(input, { workflow: 'winBack', signal: pausedSignal.name, payload: input, start: input });
}

/** The person's own, for as long as they are to be won back. @param first the pause that it was started for */
export async function winBack(first: Pause): Promise<Ended> {
  const sent: string[] = [];
  let pause = first;
  let newest = first;
  let doing: Standing['doing'] = 'looks how things are';
  let told = 0;
  setHandler(pausedSignal, (other) => {
    if (other.event.occurredAt > newest.event.occurredAt) newest = other;
    told++;
  }, { description: 'The person paused (again).' });
  setHandler(resumedSignal, () => void told++, { description: 'The person resumed.' });
  setHandler(standingQuery, () => ({ pause: pause.event.eventId, doing, sent }), { description: 'How far it is.' });

  /** The ledger knows best: a signal only says that it is worth a look, and one that was lost is made up for by the next look. */
  async function look(): Promise<'paused' | 'resumed' | 'paused again'> {
    doing = 'looks how things are';
    for (;;) {
      const before = told;
      const resumed = await lastEvent(pause, { event: 'subscription.resumed', within: EVER_MS, until: Date.now() + CLOCKS_MS });
      // Told meanwhile: what was read may be old.
      if (told !== before) continue;
      const resumedAt = resumed?.occurredAt ?? 0;
      // At the same time: they resumed. Better no postcard than one to a customer who is back.
      if (resumedAt >= newest.event.occurredAt) return 'resumed';
      if (resumedAt >= pause.event.occurredAt) return 'paused again';
      return 'paused';
    }
  }

  /** Waits, and looks whenever it is told something. Returns how things are in the end. */
  async function wait(ms: number, meanwhile: Standing['doing']): Promise<'paused' | 'resumed' | 'paused again'> {
    const until = Date.now() + ms;
    for (;;) {
      const state = await look();
      const left = until - Date.now();
      if (state !== 'paused' || left <= 0) return state;
      doing = meanwhile;
      setCurrentDetails(`${meanwhile[0]?.toUpperCase() ?? ''}${meanwhile.slice(1)}, until ${new Date(until).toISOString()}.`);
      const before = told;
      await condition(() => told !== before, left, { summary: meanwhile });
    }
  }

  /** One pause, from its beginning to its end. */
  async function follow(plan: Plan): Promise<Ended['because'] | 'paused again'> {
    const acts = [
      { waits: plan.mail_after, meanwhile: 'waits before the postcard', action: plan.mail_action, suffix: 'postcard' },
      { waits: plan.bonus_after, meanwhile: 'waits before the bonus', action: plan.bonus_action, suffix: 'bonus' },
    ] as const;
    for (const { waits, meanwhile, action, suffix } of acts) {
      const state = await wait(waits, meanwhile);
      if (state !== 'paused') return state;
      const { subscription_id: subscriptionId, product } = pause.data;
      if ((await askShop(subscriptionId)) === 'active') return 'resumed';
      if (suffix === 'postcard' && (await lastEvent(pause, { event: 'cio.forward', action, within: plan.again_after, until: Date.now() + CLOCKS_MS }))) return 'had a postcard not long ago';
      const { eventId } = await emit(pause, { suffix, event: 'cio.forward', action, attributes: { subscription_id: subscriptionId, product: product ?? null, paused_at: new Date(pause.event.occurredAt).toISOString() } });
      sent.push(eventId);
    }
    const state = await wait(plan.give_up_after, 'waits after the bonus');
    return state === 'paused' ? 'gave up' : state;
  }

  for (;;) {
    const because = await follow(await readPlan());
    if (because !== 'paused again') return { because, sent };
    pause = newest;
  }
}

/** The traffic of a run, planned from its seed: what is sent, when, how often. Nothing here looks at a clock. */
import { Random } from './random.ts';
import { STORY_WEIGHTS, tell, type Act, type Stage, type StoryName, type Who } from './stories.ts';

/** All e-mails of the traffic end so, and nothing else does: this is what the auditor looks for where no e-mail may be. */
export const EMAIL_DOMAIN = 'chaos.example';
/** All phones of the traffic begin so. */
export const PHONE_PREFIX = '+1202';

export interface PlannedEvent extends Act {
  /** Place in the plan. */
  index: number;
  story: StoryName;
  /** Undefined where Headgate derives one, or where the body has none. */
  eventId?: string;
  /** When it is sent, in milliseconds from the beginning; several times for duplicates. Ascending. */
  sends: number[];
}

export interface TrafficPlan {
  events: PlannedEvent[];
  /** E-mails that some platforms refuse. */
  outcasts: string[];
  lengthMs: number;
}

export interface TrafficOptions {
  seed: string;
  /** Events, without their duplicates. */
  events: number;
  lengthMs: number;
  /** How often stories are told; those that are not named as often as usual. */
  weights?: Partial<Record<StoryName, number>> | undefined;
}

export function planTraffic({ seed, events: wanted, lengthMs, weights }: TrafficOptions): TrafficPlan {
  const random = new Random(seed).fork('traffic');
  const outcasts: string[] = [];
  const stage = setStage(random, lengthMs, outcasts);
  const events: PlannedEvent[] = [];
  // Each story at least once, as far as there is room, so that a short plan is as rich as a long one.
  const storyWeights: Record<StoryName, number> = { ...STORY_WEIGHTS, ...weights };
  const first = Object.keys(STORY_WEIGHTS) as StoryName[];
  while (events.length < wanted) {
    const story = first.shift() ?? random.weighted(storyWeights);
    const ids = new Map<string, string>();
    for (const act of tell(story, stage)) {
      const index = events.length;
      events.push({ ...act, index, story, ...idOf(act, index, random, ids), sends: sendsOf(act, random, lengthMs) });
    }
  }
  return { events, outcasts, lengthMs };
}

function idOf(act: Act, index: number, random: Random, shared: Map<string, string>): { eventId?: string } {
  if (act.withoutId || act.raw !== undefined || act.expected === 'test') return {};
  // The beginning decides ties, so it must not grow with the plan.
  const made = `${random.hex(8)}.chaos.${String(index)}`;
  if (act.sharedId === undefined) return { eventId: made };
  const eventId = shared.get(act.sharedId) ?? made;
  shared.set(act.sharedId, eventId);
  return { eventId };
}

/** Most are sent once, some a few times, and some 46 times: at once, or until the end. */
function sendsOf({ send }: Act, random: Random, lengthMs: number): number[] {
  const again = random.weighted({ once: 86, few: 12.5, crowd: 1.5 });
  if (again === 'once') return [send];
  const copies = again === 'few' ? random.whole(1, 3) : 45;
  const until = random.chance(0.5) ? Math.min(lengthMs, send + 300) : lengthMs;
  return [send, ...Array.from({ length: copies }, () => random.between(send, until))].sort((a, b) => a - b);
}

function setStage(random: Random, lengthMs: number, outcasts: string[]): Stage {
  const bursts = Array.from({ length: Math.max(2, Math.round(lengthMs / 20_000)) }, () => random.between(0, lengthMs * 0.9));
  let count = 0;
  const somebody = (): Required<Who> => {
    count++;
    const name = `${random.hex(6)}${String(count)}`;
    return { customer_id: `c_${name}`, cio_id: `d9${name}`, email: `${name}@${EMAIL_DOMAIN}`, phone: `${PHONE_PREFIX}${String(2_000_000 + count)}` };
  };
  return {
    random,
    lengthMs,
    moment: () => (random.chance(0.6) ? Math.min(lengthMs, random.pick(bursts) + random.between(0, lengthMs * 0.04)) : random.between(0, lengthMs)),
    somebody,
    outcast: () => {
      const who = somebody();
      outcasts.push(who.email);
      return who;
    },
  };
}

/** The bytes that are sent, the same each time. `beganAt` in milliseconds since the epoch. */
export function bodyText(event: PlannedEvent, beganAt: number): string {
  if (event.raw !== undefined) return event.raw;
  const { index, who, audience, consent, at, eventId } = event;
  const personal = index % 7 === 0 && who.email !== undefined ? { recipient: who.email, note: `written to ${who.email.toUpperCase()} or ${who.phone ?? ''}` } : {};
  return JSON.stringify({
    schema_version: 1,
    ...(eventId === undefined ? {} : { event_id: eventId }),
    event: event.event,
    ...(audience === undefined ? {} : { audience_key: audience }),
    ...(at === null ? {} : { timestamp: occurredAt(at, beganAt) / 1_000 }),
    ...who,
    ...(who.email !== undefined && index % 5 === 0 ? { email: ` ${who.email.toUpperCase()} ` } : {}),
    ...(consent === undefined ? {} : { consent }),
    context: { campaign_id: 7, campaign_name: 'Chaos', journey_id: `j-${String(index)}`, step_id: '42', delivery_id: `delivery-${String(index)}`, ...personal },
    attributes: { cart_value: index / 8, ...personal },
    ...event.extra,
  });
}

/** What the body says, in whole milliseconds since the epoch. */
export const occurredAt = (at: number, beganAt: number): number => Math.round(beganAt + at);

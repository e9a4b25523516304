/** The registry as the rest of Headgate sees it: what `headgate.yaml` says, checked and with its defaults filled in. */

import type { EventTypes } from './event-type.ts';
import type { GuardPolicy } from './guard.ts';
import type { PlatformClocks } from './platform-clocks.ts';

/** `live` pushes; `test` pushes only the destination's test profiles; `paused` records and pushes nothing. From the loosest to the strictest. */
export const MODES = ['live', 'test', 'paused'] as const;
export type Mode = (typeof MODES)[number];

export interface Owner {
  name: string;
  slack?: string;
  email?: string;
}

/** Names one target. */
export interface TargetRef {
  destination: string;
  audienceKey: string;
}

/** One audience at one destination. */
export interface Target extends TargetRef {
  /** The platform's own id of the audience. */
  platformAudienceId: string;
}

/** A holdout over several audiences: whoever falls below its share is held out of all of them. */
export interface Holdout {
  name: string;
  /** 0…1. */
  share: number;
}

export interface Audience {
  key: string;
  description: string;
  owner: Owner;
  /** How long an add lasts, in milliseconds; null: until something else takes the person out. */
  windowMs: number | null;
  /** Entering this audience leaves these. */
  excludes: string[];
  /** Share of persons who are decided like the others but never pushed, 0…1. */
  holdout: number;
  /** The holdouts over several audiences that cover this one. */
  holdouts: readonly Holdout[];
  /** At each of its targets the stricter one of this and the destination's counts. */
  mode: Mode;
  targets: Target[];
  /** Null or absent: no wave is held. */
  guard?: GuardPolicy | null;
}

export interface DestinationEntry {
  name: string;
  platform: string;
  mode: Mode;
  /** Customer ids and (as `email:<hash>`) e-mails that `mode: test` pushes. */
  testProfiles: string[];
  /** What its platform says of time and sizes. */
  clocks?: PlatformClocks;
}

/** One action: a tool that `cio.forward` events go to. */
export interface ActionEntry {
  name: string;
  /** `slack`, `http`, `segment`. */
  kind: string;
  /** `test` sends only the events of `testProfiles` and skips the others; `paused` keeps all. */
  mode: Mode;
  testProfiles: string[];
  /** Of one person, an event is sent only after those that were accepted before it. */
  ordered: boolean;
}

/** What deciding needs to know: no secrets, no platform settings. */
export interface Policies {
  audiences: ReadonlyMap<string, Audience>;
  destinations: ReadonlyMap<string, DestinationEntry>;
  /** Absent: there are none. */
  actions?: ReadonlyMap<string, ActionEntry>;
  /** By source, what its events may be about; one that is not in it may be about everything. */
  allowed?: ReadonlyMap<string, Allowed>;
  /** Workflow types by their event. Absent: there are none. */
  types?: EventTypes;
}

/** What the events of a source may be about. Absent: everything. */
export interface Allowed {
  audiences?: ReadonlySet<string>;
  actions?: ReadonlySet<string>;
}

/** Whether there is such an audience, and the source may use it. */
export const mayUseAudience = ({ audiences, allowed }: Policies, source: string, key: string): boolean => audiences.has(key) && (allowed?.get(source)?.audiences?.has(key) ?? true);

/** Whether there is such an action, and the source may use it. */
export const mayUseAction = ({ actions, allowed }: Policies, source: string, name: string): boolean => (actions?.has(name) ?? false) && (allowed?.get(source)?.actions?.has(name) ?? true);

const DURATION_PART = /^(\d+)(ms|s|m|h|d|w)$/;
const UNIT_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Reads `200ms`, `30s`, `15m`, `12h`, `7d`, `2w` into milliseconds; undefined when the text is none of these or zero. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_PART.exec(text.trim());
  const amount = Number(match?.[1]);
  const unit = UNIT_MS[match?.[2] ?? ''];
  return match && unit !== undefined && amount > 0 ? amount * unit : undefined;
}

/** Writes milliseconds as `7d`, `90m` …: the largest unit that divides them. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${String(ms / size)}${unit}`;
  }
  return `${String(Math.round(ms / 1_000))}s`;
}

/** For people: `a window of 7d`. @param ms null: none */
export const describeWindow = (ms: number | null): string => (ms === null ? 'no window' : `a window of ${formatDuration(ms)}`);

/** The target as this registry has it; undefined when it has none. */
export const targetOf = ({ audiences }: Policies, { destination, audienceKey }: TargetRef): Target | undefined =>
  audiences.get(audienceKey)?.targets.find((one) => one.destination === destination);

/** All targets, in the order of the file. */
export const targetsOf = ({ audiences }: Policies): Target[] => [...audiences.values()].flatMap(({ targets }) => targets);

/** The key of a target in maps, logs and metrics. */
export const targetKey = (target: TargetRef): string => `${target.destination}/${target.audienceKey}`;

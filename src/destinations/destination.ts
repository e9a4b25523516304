/**
 * The port: what a platform's folder fills. Nothing outside that folder knows the platform's name, except its line in
 * catalog.ts. It must never read the ledger, the environment or Temporal. docs/adding-a-destination.md walks through one;
 * start reading at snap/index.ts for the smallest example.
 */
import type { z } from 'zod';
import type { AudienceSize } from '../domain/audience-size.ts';
import type { PushOperation } from '../domain/delivery.ts';
import type { Consent } from '../domain/event.ts';
import type { FailureReport } from '../domain/failures.ts';
import type { Identifier, RawPerson } from '../domain/identifiers.ts';
import type { PlatformClocks } from '../domain/platform-clocks.ts';

export type { PushOperation } from '../domain/delivery.ts';

/** A person as pushed: identifiers in the platform's own types. */
export interface Member {
  today: readonly Identifier[];
  /** What earlier adds may have sent; removals send it too. */
  former: readonly Identifier[];
  consent?: Consent;
}

/**
 * What the platform's own answer says of one member.
 * - `accepted`: taken in, by the platform's own word
 * - `processing`: taken in for later; `PushAnswer.later` says where to ask
 * - `unsent`: nothing was done for this member, because the call was refused for others; it stays pending
 * - `rejected`: refused for good, for this reason
 */
export type MemberAnswer = { status: 'accepted' } | { status: 'processing' } | { status: 'unsent' } | { status: 'rejected'; reason: string };

export interface PushAnswer {
  /** One per member of the call, in order. */
  members: MemberAnswer[];
  /** How long the platform wants the whole account to be left alone after this call, in milliseconds; 0 when it did not say. */
  restMs: number;
  /** Of a platform that decides later: its id of the request, and when to ask first, in milliseconds. */
  later?: { requestId: string; checkAfterMs: number };
}

/** One HTTP call, put together but not sent. */
export interface PreparedCall {
  /** Which of the given members it carries, as ascending indexes. The others go into a later call. */
  carries: readonly number[];
  /** Members that cannot be sent at all, with the reason; no call is made for them. */
  unusable: readonly { index: number; reason: string }[];
  /**
   * Sends it. Throws PlatformFailure; anything else that is thrown is a bug. The signal ends the call.
   */
  send: (signal: AbortSignal) => Promise<PushAnswer>;
}

/** What became of a request that was taken in for later. */
export type RequestOutcome =
  | { status: 'processing'; checkAfterMs: number }
  /** The same for each member of the request. `matchRate` is the platform's own word, such as `41–50 %`. */
  | { status: 'settled'; answer: { status: 'accepted' } | { status: 'rejected'; reason: string }; matchRate?: string }
  /** Some went through and some did not, and the platform does not say which. */
  | { status: 'mixed'; reason: string; matchRate?: string }
  /** It failed as a whole, and is sent again. */
  | { status: 'failed'; report: FailureReport };

/** How requests of a platform that decides later are followed to their end. */
export interface FollowUp {
  /** A request that is not decided after so many milliseconds counts as unknown, and its members are pushed again. */
  giveUpAfterMs: number;
  /**
   * Asks once. Throws PlatformFailure when the platform cannot be asked.
   * @param checks how often it was asked before
   */
  ask: (requestId: string, checks: number, signal: AbortSignal) => Promise<RequestOutcome>;
}

/** A target as `headgate check` looks at it. */
export interface CheckedTarget {
  audienceKey: string;
  platformAudienceId: string;
  /** How long an add lasts, in milliseconds; null without a window. */
  windowMs: number | null;
}

/** One thing that `headgate check` found. `message` says what is and, unless it is fine, what to do. */
export interface Finding {
  /** `credentials`, `account`, `terms`, `audience`, `duration`. */
  subject: string;
  /** Absent for what concerns the whole account. */
  audienceKey?: string;
  level: 'ok' | 'warning' | 'problem';
  message: string;
}

export interface NewAudience {
  name: string;
  description: string;
  windowMs: number | null;
}

/** One configured platform account. */
export interface Destination {
  readonly name: string;
  readonly platform: string;
  /** Most members that one call can carry. */
  readonly membersPerCall: number;
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** The account's budget, shared by all its targets and all workers; undefined leaves it to the platform's own word. */
  readonly callsPerMinute: number | undefined;
  /** Least time between two calls to one target, in milliseconds: lets changes gather where the platform is slow anyway. */
  readonly paceMs: number;
  /** Pure: decides what one call carries and how it looks. */
  prepare: (operation: PushOperation, platformAudienceId: string, members: readonly Member[]) => PreparedCall;
  /** Of a platform that decides later. */
  readonly followUp?: FollowUp;
  /** Looks whether pushes can work, and changes nothing. Throws nothing but bugs: what is wrong is a finding. */
  check: (targets: readonly CheckedTarget[], signal: AbortSignal) => Promise<Finding[]>;
  /** The size that the platform tells of an audience; undefined when it tells none (yet). Throws PlatformFailure. */
  readSize: (platformAudienceId: string, signal: AbortSignal) => Promise<AudienceSize | undefined>;
  /**
   * Makes an empty audience of the right kind, or finds the one of this name. Throws PlatformFailure.
   * Not safe to run twice at once where the platform allows equal names.
   */
  createAudience: (audience: NewAudience, signal: AbortSignal) => Promise<{ id: string; existed: boolean }>;
}

/** An identifier with the normalised text that was (or was not) hashed. The text stays in the door and in `headgate identifiers`. */
export interface Identified extends Identifier {
  normalised: string;
}

export interface Identification {
  identifiers: Identified[];
  /** The same in forms that a setting of the destination may ask for instead, under types of their own. */
  variants?: Identified[];
  /** Fields that were given but cannot be used, and why. */
  dropped: { field: keyof RawPerson; reason: string }[];
}

export interface ConnectOptions {
  name: string;
  /** Where the platform's local stand-in listens; undefined talks to the platform itself. */
  sandboxUrl: string | undefined;
}

/** One kind of platform, as listed in the catalogue. */
export interface Platform<Settings = unknown> {
  readonly platform: string;
  /** The entry in `headgate.yaml` besides `platform`, `mode`, `sandbox` and `test_profiles`. Secrets carry `.meta({ secret: true })`. */
  readonly settings: z.ZodType<Settings>;
  /** Undefined when the platform's id of an audience looks right, else what it should look like. */
  checkAudienceId: (id: string) => string | undefined;
  /** Pure: a person's identifiers in this platform's normalisation. */
  identify: (person: RawPerson) => Identification;
  /** When what it has taken in takes effect, and what its sizes mean, by its documentation. */
  readonly clocks: PlatformClocks;
  connect: (settings: Settings, options: ConnectOptions) => Destination;
}

/** Keeps a platform's own type of settings inside its folder. */
export function definePlatform<Settings>(platform: Platform<Settings>): Platform {
  return platform as unknown as Platform;
}

/**
 * The port: what a platform's folder fills. Nothing outside that folder knows the platform's name, except its line in
 * catalog.ts. It must never read the ledger, the environment or Temporal. Start reading at meta/index.ts for an example.
 */
import type { z } from 'zod';
import type { Consent } from '../domain/event.ts';
import type { Identifier, RawPerson } from '../domain/identifiers.ts';

export type PushOperation = 'add' | 'remove';

/** A person as pushed: identifiers in the platform's own types. */
export interface Member {
  today: readonly Identifier[];
  /** What earlier adds may have sent; removals send it too. */
  former: readonly Identifier[];
  consent?: Consent;
}

/** What the platform's own answer says of one member. */
export type MemberAnswer = { status: 'accepted' } | { status: 'rejected'; reason: string } | { status: 'blocked'; reason: string };

export interface PushAnswer {
  /** One per member of the call, in order. */
  members: MemberAnswer[];
  /** How long the platform wants to be left alone after this call, in milliseconds; 0 when it did not say. */
  restMs: number;
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

/** One configured platform account. */
export interface Destination {
  readonly name: string;
  readonly platform: string;
  /** Most members that one call can carry. */
  readonly membersPerCall: number;
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Pure: decides what one call carries and how it looks. */
  prepare: (operation: PushOperation, platformAudienceId: string, members: readonly Member[]) => PreparedCall;
}

/** An identifier with the normalised text that was (or was not) hashed. The text stays in the door and in `headgate identifiers`. */
export interface Identified extends Identifier {
  normalised: string;
}

export interface Identification {
  identifiers: Identified[];
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
  connect: (settings: Settings, options: ConnectOptions) => Destination;
}

/** Keeps a platform's own type of settings inside its folder. */
export function definePlatform<Settings>(platform: Platform<Settings>): Platform {
  return platform as unknown as Platform;
}

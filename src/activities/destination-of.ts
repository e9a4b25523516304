/** A target's destination, or a failure that says what is missing in the registry. */
import type { Destination } from '../destinations/destination.ts';
import { PlatformFailure } from '../domain/failures.ts';
import { targetOf, type Target, type TargetRef } from '../domain/registry.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';

/** Throws `misconfigured` when the registry no longer has the target. */
export function destinationOf({ policies, destinations }: ActivityDependencies, ref: TargetRef): { target: Target; destination: Destination } {
  const target = targetOf(policies, ref);
  const destination = destinations.get(ref.destination);
  if (target && destination) return { target, destination };
  const cause = `${ref.audienceKey} has no target at ${ref.destination} in headgate.yaml`;
  const cure = 'Put the target back into headgate.yaml, or terminate this workflow if it is gone for good.';
  throw toTemporal(new PlatformFailure(`${cause}.`, { kind: 'misconfigured', cause, cure }));
}

/** The registry that a command on this machine means, with its destinations. */
import { readEnvironment, type Environment } from '../config/environment.ts';
import { connectDestinations } from '../config/connect-destinations.ts';
import { connectExporters } from '../config/connect-exporters.ts';
import { findRegistry, withKeptSecrets } from '../config/find-registry.ts';
import { loadRegistry, type Registry } from '../config/registry.ts';
import type { Destination } from '../destinations/destination.ts';
import { didYouMean } from './closest.ts';
import { targetOf, type Target } from '../domain/registry.ts';
import type { Exporter } from '../warehouse/exporter.ts';

export interface OwnRegistry {
  environment: Environment;
  path: string;
  registry: Registry;
}

/** HEADGATE_CONFIG, ./headgate.yaml, or the demo. Throws ConfigurationError with every mistake. */
export async function loadOwnRegistry(): Promise<OwnRegistry> {
  const environment = readEnvironment();
  const { path, demo } = findRegistry(environment);
  const variables = await withKeptSecrets(environment);
  if (demo && variables['CIO_SIGNING_SECRET'] === undefined) {
    throw new Error(`There is no signing secret in ${environment.HEADGATE_DATA} yet: start Headgate first (npm start), or set HEADGATE_DATA or CIO_SIGNING_SECRET.`);
  }
  return { environment, path, registry: await loadRegistry(path, { variables, sandboxAllowed: !environment.production }) };
}

/** Destinations for the sandbox talk to the one that `npm start` runs, or to HEADGATE_SANDBOX_URL. */
export const destinationsOf = (own: OwnRegistry): Map<string, Destination> => connectDestinations(own.registry, sandboxUrlOf(own));
export const exportersOf = (own: OwnRegistry): Map<string, Exporter> => connectExporters(own.registry, sandboxUrlOf(own));

export const sandboxUrlOf = ({ environment }: OwnRegistry): string | undefined =>
  environment.production ? undefined : (environment.HEADGATE_SANDBOX_URL ?? `http://127.0.0.1:${String(environment.HEADGATE_SANDBOX_PORT)}`);

/** Throws with the names that there are. */
export function pick<T>(kind: string, name: string, known: ReadonlyMap<string, T>): T {
  const found = known.get(name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name} in headgate.yaml; it has ${[...known.keys()].join(', ') || 'none'}.${didYouMean(name, known.keys())}`);
  return found;
}

/** Undefined when the audience has no target there; throws when there is no such destination or audience. */
export function findTarget({ registry }: OwnRegistry, destination: string, audienceKey: string): Target | undefined {
  pick('destination', destination, registry.destinations);
  pick('audience', audienceKey, registry.policies.audiences);
  return targetOf(registry.policies, { destination, audienceKey });
}

/** Throws unless the audience has a target there. */
export function checkTarget(own: OwnRegistry, destination: string, audienceKey: string): void {
  if (!findTarget(own, destination, audienceKey)) throw new Error(`${audienceKey} has no target at ${destination} in headgate.yaml.`);
}

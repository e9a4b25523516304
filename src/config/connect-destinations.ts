/** From the registry's entries to destinations that can be talked to. */
import type { Destination } from '../destinations/destination.ts';
import type { Registry } from './registry.ts';

/**
 * Connects each destination; nothing is called yet. Throws when a destination is for the sandbox and there is none.
 * @param sandboxUrl where the stand-ins listen
 */
export function connectDestinations(registry: Registry, sandboxUrl: string | undefined): Map<string, Destination> {
  return new Map(
    [...registry.destinations].map(([name, { platform, settings, sandbox }]) => {
      const own = sandbox && sandboxUrl !== undefined ? `${sandboxUrl}/${name}` : undefined;
      if (sandbox && own === undefined) throw new Error(`destination ${name} is for the sandbox, and there is none`);
      return [name, platform.connect(settings, { name, sandboxUrl: own })];
    }),
  );
}

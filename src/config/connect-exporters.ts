/** From the registry's entries to warehouses that can be talked to. */
import type { Exporter } from '../warehouse/exporter.ts';
import type { Registry } from './registry.ts';

/**
 * Connects each exporter; nothing is called yet. Throws when one is for the sandbox and there is none.
 * @param sandboxUrl where the stand-ins listen
 */
export function connectExporters({ exporters }: Pick<Registry, 'exporters'>, sandboxUrl: string | undefined): Map<string, Exporter> {
  return new Map(
    [...exporters].map(([name, { warehouse, settings, everyMs, sandbox }]) => {
      const own = sandbox && sandboxUrl !== undefined ? `${sandboxUrl}/${name}` : undefined;
      if (sandbox && own === undefined) throw new Error(`exporter ${name} is for the sandbox, and there is none`);
      return [name, warehouse.connect(settings, { name, everyMs, sandboxUrl: own })];
    }),
  );
}

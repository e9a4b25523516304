/** What the local stand-ins have to know of the destinations that talk to them. */
import type { Registry } from './registry.ts';

export interface SandboxDestination {
  name: string;
  platform: string;
  settings: Readonly<Record<string, unknown>>;
  audienceIds: string[];
}

/** The destinations, exporters and actions with `sandbox: true`, with their settings and the audiences that the registry names. */
export function sandboxDestinations({ destinations, exporters, actions, policies }: Registry): SandboxDestination[] {
  const warehouses = [...exporters.values()].filter(({ sandbox }) => sandbox).map(({ name, warehouse, settings }) => ({ name, platform: warehouse.platform, settings: settings as Record<string, unknown>, audienceIds: [] }));
  const platforms = [...destinations.values()]
    .filter(({ sandbox }) => sandbox)
    .map(({ entry, settings }) => ({
      name: entry.name,
      platform: entry.platform,
      settings: settings as Record<string, unknown>,
      audienceIds: [...policies.audiences.values()].flatMap(({ targets }) => targets.filter(({ destination }) => destination === entry.name).map(({ platformAudienceId }) => platformAudienceId)),
    }));
  const tools = [...actions.values()].filter(({ sandbox }) => sandbox).map(({ entry, settings }) => ({ name: entry.name, platform: `action:${entry.kind}`, settings: settings as Record<string, unknown>, audienceIds: [] }));
  return [...platforms, ...warehouses, ...tools];
}

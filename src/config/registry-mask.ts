/** The registry for people: defaults filled in, secrets masked. */
import { z } from 'zod';
import type { AudienceEntry, HoldoutEntry, SourceEntry } from './registry-schema.ts';
import { formatDuration } from '../domain/registry.ts';
import type { ConfiguredDestination, ConfiguredExporter } from './registry-platforms.ts';

const MASK = '***';
/** Lists of a source that are no secrets. */
const OPEN_LISTS = new Set(['audiences', 'actions']);

export function maskRegistry(
  sources: ReadonlyMap<string, SourceEntry>,
  destinations: ReadonlyMap<string, ConfiguredDestination>,
  exporters: ReadonlyMap<string, ConfiguredExporter>,
  audiences: ReadonlyMap<string, AudienceEntry>,
  holdouts: ReadonlyMap<string, HoldoutEntry>,
): object {
  const maskedSources = [...sources].map(([name, source]) => {
    const hidden = Object.entries(source).map(([key, value]): [string, unknown] => [key, Array.isArray(value) && !OPEN_LISTS.has(key) ? value.map(() => MASK) : value]);
    return [name, Object.fromEntries(hidden)] as const;
  });
  const maskedDestinations = [...destinations].map(([name, { platform, settings, entry, sandbox }]) => {
    return [name, { platform: platform.platform, mode: entry.mode, ...(sandbox ? { sandbox } : {}), ...maskSettings(platform.settings, settings) }] as const;
  });
  const maskedExporters = [...exporters].map(([name, { warehouse, settings, everyMs, sandbox }]) =>
    [name, { platform: warehouse.platform, every: formatDuration(everyMs), ...(sandbox ? { sandbox } : {}), ...maskSettings(warehouse.settings, settings) }] as const,
  );
  return {
    sources: Object.fromEntries(maskedSources),
    destinations: Object.fromEntries(maskedDestinations),
    exporters: Object.fromEntries(maskedExporters),
    audiences: Object.fromEntries(audiences),
    ...(holdouts.size === 0 ? {} : { holdouts: Object.fromEntries(holdouts) }),
  };
}

/** For people: what is secret masked, whatever it is; names inside, such as those of headers, stay readable. */
export function maskSettings(schema: z.ZodType, settings: unknown): Record<string, unknown> {
  const shape = schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>) : {};
  const given = Object.entries(settings as Record<string, unknown>).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([key, value]): [string, unknown] => [key, isSecret(shape[key]) ? masked(value) : value]));
}

const masked = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.keys(value).map((key) => [key, MASK])) : MASK;

/** Unknown settings count as secret. */
function isSecret(setting: z.ZodType | undefined): boolean {
  if (!setting || setting.meta()?.['secret'] === true) return true;
  const isWrapped = setting instanceof z.ZodOptional || setting instanceof z.ZodDefault;
  return isWrapped && isSecret(setting.unwrap() as z.ZodType);
}

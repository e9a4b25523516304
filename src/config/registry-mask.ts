/** The registry for people: defaults filled in, secrets masked. */
import { z } from 'zod';
import type { ConfiguredDestination } from './registry.ts';
import type { AudienceEntry, SourceEntry } from './registry-schema.ts';

const MASK = '***';

export function maskRegistry(
  sources: ReadonlyMap<string, SourceEntry>,
  destinations: ReadonlyMap<string, ConfiguredDestination>,
  audiences: ReadonlyMap<string, AudienceEntry>,
): object {
  const maskedSources = [...sources].map(([name, source]) => {
    const hidden = Object.entries(source).map(([key, value]): [string, unknown] => [key, Array.isArray(value) ? value.map(() => MASK) : value]);
    return [name, Object.fromEntries(hidden)] as const;
  });
  const maskedDestinations = [...destinations].map(([name, { platform, settings, entry, sandbox }]) => {
    const shape = platform.settings instanceof z.ZodObject ? (platform.settings.shape as Record<string, z.ZodType>) : {};
    const hidden = Object.entries(settings as Record<string, unknown>).map(([key, value]): [string, unknown] => [key, isSecret(shape[key]) ? MASK : value]);
    return [name, { platform: platform.platform, mode: entry.mode, ...(sandbox ? { sandbox } : {}), ...Object.fromEntries(hidden) }] as const;
  });
  return {
    sources: Object.fromEntries(maskedSources),
    destinations: Object.fromEntries(maskedDestinations),
    audiences: Object.fromEntries(audiences),
  };
}

/** Unknown settings count as secret. */
function isSecret(setting: z.ZodType | undefined): boolean {
  if (!setting) return true;
  const inner = setting instanceof z.ZodOptional || setting instanceof z.ZodDefault ? (setting.unwrap() as z.ZodType) : setting;
  return [setting, inner].some((schema) => schema.meta()?.['secret'] === true);
}

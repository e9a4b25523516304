/** The entries of `destinations:` and `exporters:`: a platform or warehouse with the settings that it asks for. */
import { catalog } from '../destinations/catalog.ts';
import type { Platform } from '../destinations/destination.ts';
import type { DestinationEntry } from '../domain/registry.ts';
import { warehouses } from '../warehouse/catalog.ts';
import type { Warehouse } from '../warehouse/exporter.ts';
import { readEntry } from './registry-entry.ts';
import type { Problems } from './registry-problems.ts';
import { destinationCommon, exporterCommon } from './registry-schema.ts';
import { resolveTestProfiles } from './test-profiles.ts';

/** A destination with its platform's settings, ready to connect. */
export interface ConfiguredDestination {
  entry: DestinationEntry;
  platform: Platform;
  settings: unknown;
  sandbox: boolean;
}

/** An exporter with its warehouse's settings, ready to connect. */
export interface ConfiguredExporter {
  name: string;
  warehouse: Warehouse;
  settings: unknown;
  /** Milliseconds. */
  everyMs: number;
  sandbox: boolean;
}

export function resolveDestination(name: string, given: Record<string, unknown>, sandboxAllowed: boolean, problems: Problems): ConfiguredDestination | undefined {
  const path = ['destinations', name];
  const entry = readEntry(path, given, { common: destinationCommon, kindKey: 'platform', noun: 'a platform', kinds: catalog }, sandboxAllowed, problems);
  if (!entry) return undefined;
  const { common: { mode, sandbox, test_profiles: profiles }, kind: platform, settings } = entry;
  if (mode === 'test' && profiles.length === 0) problems.add([...path, 'mode'], 'test pushes only test_profiles: list some');
  return { entry: { name, platform: platform.platform, mode, testProfiles: resolveTestProfiles(profiles), clocks: platform.clocks }, platform, settings, sandbox };
}

export function resolveExporter(name: string, given: Record<string, unknown>, sandboxAllowed: boolean, problems: Problems): ConfiguredExporter | undefined {
  const entry = readEntry(['exporters', name], given, { common: exporterCommon, kindKey: 'platform', noun: 'a warehouse', kinds: warehouses }, sandboxAllowed, problems);
  return entry && { name, warehouse: entry.kind, settings: entry.settings, everyMs: entry.common.every, sandbox: entry.common.sandbox };
}

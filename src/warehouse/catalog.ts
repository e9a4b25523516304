/** The one list of warehouses. Adding one is its folder, one line here and its test. */
import { bigquery } from './bigquery/index.ts';
import type { Warehouse } from './exporter.ts';

const WAREHOUSES: readonly Warehouse[] = [bigquery];

export const warehouses: ReadonlyMap<string, Warehouse> = new Map(WAREHOUSES.map((warehouse) => [warehouse.platform, warehouse]));

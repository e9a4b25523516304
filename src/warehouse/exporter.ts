/**
 * The port: what a warehouse's folder fills. Nothing outside that folder knows the warehouse's name, except its line in catalog.ts.
 * It must never read the ledger, the environment or Temporal. Start reading at bigquery/index.ts.
 */
import type { z } from 'zod';
import type { Finding } from '../destinations/destination.ts';
import type { ExportedRow } from '../domain/exported-columns.ts';

/**
 * What became of one row.
 * - `stored`: the warehouse has it
 * - `unsent`: nothing was done for this row, because of others or for a reason that passes; it is sent again as it is
 * - `refused`: never taken as it is, for this reason
 */
export type RowAnswer = { status: 'stored' } | { status: 'unsent'; reason: string } | { status: 'refused'; reason: string };

/** One call, put together but not sent. */
export interface PreparedInsert {
  /** It answers for so many of the given rows, from the first one; at least one. The others go into a later call. */
  takes: number;
  /** Sends it, and answers for each of these rows, in order. Throws PlatformFailure; anything else that is thrown is a bug. The signal ends the call. */
  send: (signal: AbortSignal) => Promise<RowAnswer[]>;
}

/** How many rows were made nobody's, or why that has to wait. */
export type WarehouseErasure = { rows: number } | { later: string };

/** One configured warehouse. Sending a row twice is allowed: what analysts read shows it once. */
export interface Exporter {
  readonly name: string;
  readonly platform: string;
  /** How long to wait between two looks, in milliseconds. */
  readonly everyMs: number;
  /** Most rows that are read for one call. */
  readonly rowsPerCall: number;
  /** How long one call may take, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Makes what is missing for the rows to arrive, and widens what is there. Says in words what it changed. Throws PlatformFailure.
   * @param begun rows were sent before, so a table that is not there was taken away, and must not be made anew in silence
   */
  setUp: (begun: boolean, signal: AbortSignal) => Promise<string[]>;
  /** Pure. @param exportedAt when these rows are sent first, in milliseconds since the epoch; the same for each attempt of a turn */
  prepare: (rows: readonly ExportedRow[], exportedAt: number) => PreparedInsert;
  /** Makes the rows of these persons nobody's. A second time changes nothing. Throws PlatformFailure. */
  erase: (personIds: readonly string[], signal: AbortSignal) => Promise<WarehouseErasure>;
  /** Looks whether exports can work, and changes nothing. Throws nothing but bugs: what is wrong is a finding. */
  check: (signal: AbortSignal) => Promise<Finding[]>;
}

export interface ConnectOptions {
  name: string;
  everyMs: number;
  /** Where the warehouse's local stand-in listens; undefined talks to the warehouse itself. */
  sandboxUrl: string | undefined;
}

/** One kind of warehouse, as listed in the catalogue. */
export interface Warehouse<Settings = unknown> {
  readonly platform: string;
  /** The entry in `headgate.yaml` besides `platform`, `every` and `sandbox`. Secrets carry `.meta({ secret: true })`. */
  readonly settings: z.ZodType<Settings>;
  connect: (settings: Settings, options: ConnectOptions) => Exporter;
}

/** Keeps a warehouse's own type of settings inside its folder. */
export function defineWarehouse<Settings>(warehouse: Warehouse<Settings>): Warehouse {
  return warehouse as unknown as Warehouse;
}

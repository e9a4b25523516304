import { cancellationSignal } from '@temporalio/activity';
import { PlatformFailure } from '../domain/failures.ts';
import type { ExportPosition, ParkedExposure, UnsentRow } from '../ledger/index.ts';
import type { Exporter } from '../warehouse/exporter.ts';
import type { ExportInput, ExportResult } from '../workflows/contract.ts';
import { deliverRows } from './deliver-rows.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { toTemporal } from './failures.ts';
import { whileBeating } from './while-beating.ts';
import { withPatience } from './with-patience.ts';

/** How long a turn may last before its last batch begins, in milliseconds. */
const TURN_MS = 60_000;

interface Turn {
  rows: number;
  parked: number;
  more: boolean;
}

/**
 * A turn of an export: batch after batch, until nothing is left, something is not as it should be, or the turn is over. Nothing is written down
 * before a batch is sent; afterwards the exporter moves past it. So a batch whose outcome is unknown is sent again, and what analysts read shows each
 * event once. Fails with the warehouse's failure; the exporter stays where it was.
 */
export function createExportRows(dependencies: ActivityDependencies) {
  const { ledger, exporters, stopping, logger } = dependencies;

  async function exportRows({ exporter: name }: ExportInput): Promise<ExportResult> {
    const exporter = exporters.get(name);
    // While processes are replaced, another worker may still have it; its process starts the workflow again.
    if (!exporter) return { rows: 0, parked: 0, more: false, paused: false, everyMs: 0, parkedRows: 0, parkedReason: null, heldBy: null, gone: true };
    try {
      return await whileBeating(() => withPatience(dependencies, () => takeTurn(exporter)));
    } catch (error) {
      if (error instanceof PlatformFailure) logger.warn({ exporter: name, failure: error.report.kind }, error.message);
      throw toTemporal(error);
    }
  }

  async function takeTurn(exporter: Exporter): Promise<ExportResult> {
    const { name, everyMs } = exporter;
    const { position, paused, startedOver } = await ledger.openExport(name);
    if (startedOver) logger.warn({ exporter: name }, `The ledger was restored into another Postgres cluster: ${name} sends every row again. The warehouse shows each event once all the same.`);
    const turn = paused ? { rows: 0, parked: 0, more: false } : await sendAll(exporter, position);
    const { parked: parkedRows, reason: parkedReason } = await ledger.countParked(name);
    const holder = turn.more || paused ? null : await ledger.readHolder();
    const heldBy = holder && `transaction of process ${String(holder.pid)} (${holder.application || 'no name'}), open since ${new Date(holder.since).toISOString()}`;
    if (turn.rows > 0) logger.info({ exporter: name, rows: turn.rows, parked: turn.parked }, `${name} has ${String(turn.rows)} more rows.`);
    return { ...turn, paused, everyMs, parkedRows, parkedReason, heldBy };
  }

  async function sendAll(exporter: Exporter, begin: ExportPosition): Promise<Turn> {
    const { name, rowsPerCall } = exporter;
    const done = await exporter.setUp(begin.eventId !== '', signalFor(exporter));
    for (const what of done) logger.info({ exporter: name }, `${name}: ${what}.`);
    const ends = performance.now() + TURN_MS;
    const isOver = (): boolean => performance.now() > ends || stopping.aborted || cancellationSignal().aborted;
    const turn: Turn = { rows: 0, parked: 0, more: false };
    await sendParkedAgain(exporter, turn, isOver);
    let position = begin;
    let reading = ledger.readUnsent(position, rowsPerCall);
    for (;;) {
      const batch = await reading;
      const last = batch.at(-1);
      if (!last) break;
      const next = { writtenBy: last.writtenBy, eventId: last.eventId };
      // Read while this batch is on its way.
      reading = ledger.readUnsent(next, rowsPerCall);
      reading.catch(() => undefined);
      const parked = await deliverRows(exporter, batch, () => signalFor(exporter));
      const { moved, paused } = await ledger.settleExport(name, position, next, { rows: batch.length - parked.length, parked });
      count(dependencies, exporter, turn, batch, parked);
      if (!moved || paused || isOver()) return { ...turn, more: true };
      position = next;
    }
    await ledger.noteCaughtUp(name);
    return turn;
  }

  async function sendParkedAgain(exporter: Exporter, turn: Turn, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const batch = await ledger.readParkedToRetry(exporter.name, exporter.rowsPerCall);
      if (batch.length === 0) return;
      const parked = await deliverRows(exporter, batch, () => signalFor(exporter));
      await ledger.settleParked(exporter.name, batch.map(({ eventId }) => eventId), parked);
      count(dependencies, exporter, turn, batch, parked);
    }
  }

  return { exportRows };
}

const signalFor = ({ timeoutMs }: Exporter): AbortSignal => AbortSignal.any([AbortSignal.timeout(timeoutMs), cancellationSignal()]);

function count({ metrics, logger }: ActivityDependencies, { name }: Exporter, turn: Turn, batch: readonly UnsentRow[], parked: readonly ParkedExposure[]): void {
  metrics.exportedRows.inc({ exporter: name }, batch.length - parked.length);
  turn.rows += batch.length - parked.length;
  turn.parked += parked.length;
  for (const { eventId, reason } of parked) logger.warn({ exporter: name, event_id: eventId }, `${name} refuses a row: ${reason}`);
}

import type { ExportedRow } from '../domain/exported-columns.ts';
import { PlatformFailure, REJECTIONS_BEFORE_PROBE } from '../domain/failures.ts';
import type { ParkedExposure } from '../ledger/index.ts';
import type { Exporter, RowAnswer } from '../warehouse/exporter.ts';

/**
 * Sends rows until the warehouse has said of each that it has it or never takes it; returns the latter. A call that is refused for rows
 * which nobody names is halved until they stand alone. Throws PlatformFailure, also when a call does nothing.
 * @param signal for one call
 */
export async function deliverRows(exporter: Pick<Exporter, 'name' | 'prepare'>, rows: readonly ExportedRow[], signal: () => AbortSignal): Promise<ParkedExposure[]> {
  const exportedAt = Date.now();
  const parked: ParkedExposure[] = [];
  const park = ({ eventId, occurredAt }: ExportedRow, reason: string): void => void parked.push({ eventId, occurredAt, reason });
  let stored = 0;
  let refusedAlone = 0;
  const chunks: (readonly ExportedRow[])[] = [rows];
  for (let chunk = chunks.pop(); chunk; chunk = chunks.pop()) {
    const call = exporter.prepare(chunk, exportedAt);
    const rest = chunk.slice(call.takes);
    if (rest.length > 0) chunks.push(rest);
    const taken = chunk.slice(0, call.takes);
    let answers: RowAnswer[];
    try {
      answers = await call.send(signal());
    } catch (error) {
      if (!(error instanceof PlatformFailure) || error.report.kind !== 'invalid_row') throw error;
      const [first] = taken;
      if (first && taken.length === 1) {
        if (stored === 0 && ++refusedAlone >= REJECTIONS_BEFORE_PROBE) throw everythingIsRefused(error);
        park(first, error.report.cause);
      } else {
        const middle = Math.ceil(taken.length / 2);
        chunks.push(taken.slice(middle), taken.slice(0, middle));
      }
      continue;
    }
    const unsent: ExportedRow[] = [];
    let why = '';
    for (const [index, row] of taken.entries()) {
      const answer = answers[index];
      if (answer?.status === 'stored') stored++;
      else if (answer?.status === 'refused') park(row, answer.reason);
      else {
        unsent.push(row);
        why = answer?.reason ?? 'no answer';
      }
    }
    if (unsent.length === taken.length) throw nothingIsTaken(exporter.name, why);
    if (unsent.length > 0) chunks.push(unsent);
  }
  return parked;
}

/** Row after row was refused alone, and none was taken: it is not the rows. */
function everythingIsRefused({ message, report }: PlatformFailure): PlatformFailure {
  return new PlatformFailure(message, { ...report, kind: 'rejected_request', cause: `${report.cause}, and so is every row alone` });
}

function nothingIsTaken(name: string, why: string): PlatformFailure {
  const cause = `no row of the call was taken, for a reason that passes: ${why}`;
  return new PlatformFailure(`${name}: ${cause}.`, { kind: 'unavailable', cause, cure: '' });
}

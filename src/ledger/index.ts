/**
 * The ledger: all SQL of Headgate, one function per action, on Postgres.
 * It must never call a platform or Temporal. Start reading at apply-events.ts; tables and indexes are explained in README.md.
 */
import type { Policies } from '../domain/registry.ts';
import * as accounts from './accounts.ts';
import * as alerts from './alerts.ts';
import * as apply from './apply-events.ts';
import { forgetOldAudit, listAudit, writeAudit } from './audit.ts';
import { addDoorCounts, forgetDoorCounts, readDoorCounts } from './door-counts.ts';
import * as sizes from './audience-sizes.ts';
import { countEvents } from './event-counts.ts';
import { LedgerConnection, type LedgerConnectionOptions } from './connection.ts';
import * as erase from './erase.ts';
import { prepareExposureParts } from './exposure-parts.ts';
import { findExposurePlace, findReported, importExposures, readExposures } from './exposure-rows.ts';
import { countParked, listExports, listParked, noteCaughtUp, openExport, readHolder, readParkedToRetry, readUnsent, reportExport, restartExport, retryParked, setExportPaused, settleExport, settleParked } from './exports.ts';
import * as forwards from './forwards.ts';
import * as filling from './filling.ts';
import * as flow from './flow.ts';
import { letGoWaves, listGuardHolds, releaseHolds } from './guard.ts';
import * as held from './held.ts';
import * as history from './history.ts';
import { forgetOldBacklogs, monitorAge, noteMonitored, observe } from './observations.ts';
import * as openWork from './open-work.ts';
import * as outbox from './outbox.ts';
import * as pending from './pending.ts';
import * as processes from './processes.ts';
import { abandonPush, finishPush, forgetOldPushes, notePushUnanswered, rejectMembers, startPush } from './pushes.ts';
import * as quarantine from './quarantine.ts';
import * as rearming from './rearming.ts';
import * as reading from './reading.ts';
import * as requests from './requests.ts';
import { endRestores, listOpenRestores, nextBeat, noteLedgerRestored, noticeRestore } from './restores.ts';
import * as resync from './resync.ts';
import * as retiring from './retiring.ts';
import * as settle from './settle.ts';
import * as sweep from './sweep.ts';
import * as targets from './targets.ts';
import * as typeEvents from './type-events.ts';
import * as windows from './windows.ts';

export { saysUnstorable } from './connection.ts';
export { adoptRegistry, type Adoption } from './adopt-registry.ts';
export { migrate } from './migrate.ts';
export { LedgerUnavailable } from './ledger-unavailable.ts';
export { DOOR_COUNT_MS, type DoorCount, type Feed } from './door-counts.ts';
export type { AlertMessageView, AlertView, DueNote, Note, ToldChange } from './alerts.ts';
export type { AuditFilter, AuditOf, AuditRow } from './audit.ts';
export type { Observed } from './observations.ts';
export type { SizeCounts } from './audience-sizes.ts';
export type { EventCounts } from './event-counts.ts';
export type { Applicable, Applied } from './apply-events.ts';
export type { ErasedRows, Erasure, StillThere } from './erase.ts';
export type { ExposurePlace, ExposureRange, ImportedRow } from './exposure-rows.ts';
export type { ExportPosition, ExportStandingRow, OpenedExport, ParkedExposure, UnsentRow } from './exports.ts';
export type { ActionStanding, ForwardAnswer, ForwardView, TakenForward } from './forwards.ts';
export type { OpenWork, OpenWorkKind } from './open-work.ts';
export type { OutboxEntry } from './outbox.ts';
export type { HeardBeat, Restore, Restored } from './restores.ts';
export type { NoticedWave, ReleasedWave } from './guard.ts';
export type { Swing, Traffic } from './flow.ts';
export type { Backlog, Pending, PendingMember, PushOperation } from './pending.ts';
export type { LaterRequest, MemberOutcome, StartedPush } from './pushes.ts';
export type { HeldMember, HeldView } from './held.ts';
export type { OpenRequest, Settlement } from './requests.ts';
export type { QuarantineFilter, QuarantineState, Resolution, WhichQuarantined } from './quarantine.ts';
export type { GivenUp, Leaving } from './retiring.ts';
export type { FoundMember, Slice } from './slices.ts';
export type { StandingReport, TargetRest, TargetStanding } from './targets.ts';
export type { WindowChange } from './windows.ts';
export type * from './history.ts';
export type * from './reading.ts';
export type { SettledEvent } from './settle.ts';

type Bound<F> = F extends (connection: LedgerConnection, ...rest: infer A) => infer R ? (...rest: A) => R : never;
type BoundAll<T> = { [K in keyof T]: Bound<T[K]> };

/** Gives every action of a file the connection as its first argument. */
function bind<T extends Record<string, unknown>>(connection: LedgerConnection, actions: T): BoundAll<T> {
  const bound = Object.entries(actions).flatMap(([name, action]) =>
    typeof action === 'function' ? [[name, (...rest: unknown[]): unknown => (action as (...all: unknown[]) => unknown)(connection, ...rest)]] : [],
  );
  return Object.fromEntries(bound) as BoundAll<T>;
}

/** Opens the ledger. Nothing is read until the first action; `close` waits for what is running. */
export function openLedger(options: LedgerConnectionOptions & { policies: Policies }) {
  const connection = new LedgerConnection(options);
  return {
    connection,
    applyEvents: (items: readonly apply.Applicable[]) => apply.applyEvents(connection, options.policies, items),
    ...bind(connection, accounts),
    ...bind(connection, alerts),
    ...bind(connection, { forgetOldAudit, listAudit, writeAudit }),
    ...bind(connection, { addDoorCounts, forgetDoorCounts, readDoorCounts }),
    ...bind(connection, { forgetOldBacklogs, monitorAge, noteMonitored, observe }),
    ...bind(connection, erase),
    ...bind(connection, { prepareExposureParts, findExposurePlace, findReported, importExposures, readExposures }),
    ...bind(connection, { countParked, listExports, listParked, noteCaughtUp, openExport, readHolder, readParkedToRetry, readUnsent, reportExport, restartExport, retryParked, setExportPaused, settleExport, settleParked }),
    ...bind(connection, filling),
    ...bind(connection, { forgetOldFlow: flow.forgetOldFlow, readTraffic: flow.readTraffic, readSwings: flow.readSwings }),
    ...bind(connection, { letGoWaves, listGuardHolds, releaseHolds }),
    ...bind(connection, forwards),
    ...bind(connection, held),
    ...bind(connection, history),
    ...bind(connection, openWork),
    ...bind(connection, outbox),
    ...bind(connection, pending),
    ...bind(connection, processes),
    ...bind(connection, { abandonPush, finishPush, forgetOldPushes, notePushUnanswered, rejectMembers, startPush }),
    ...bind(connection, quarantine),
    ...bind(connection, rearming),
    ...bind(connection, reading),
    ...bind(connection, requests),
    ...bind(connection, { endRestores, listOpenRestores, nextBeat, noteLedgerRestored, noticeRestore }),
    ...bind(connection, resync),
    ...bind(connection, retiring),
    ...bind(connection, settle),
    ...bind(connection, sizes),
    ...bind(connection, { countEvents }),
    ...bind(connection, sweep),
    ...bind(connection, targets),
    ...bind(connection, typeEvents),
    ...bind(connection, windows),
    close: () => connection.close(),
  };
}

export type Ledger = ReturnType<typeof openLedger>;

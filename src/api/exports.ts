/** `/v1/exports`: how the exports of exposures stand, and the rows that a warehouse refuses. */
import { Router } from 'express';
import type { ExportStandingRow, Ledger } from '../ledger/index.ts';
import { exportWorkflowId } from '../workflows/contract.ts';
import { isoOrNull } from './iso-time.ts';
import { workflowUrl } from './workflow-url.ts';

/** The oldest of them. */
const SHOWN_PARKED = 100;

export function exportRoutes({ ledger, temporalUi }: { ledger: Ledger; temporalUi: string | undefined }): Router {
  const router = Router();
  const view = (row: ExportStandingRow): object => ({
    exporter: row.exporter, state: row.paused ? 'paused' : row.state, cause: row.cause, cure: row.cure, failures: row.failures, since: isoOrNull(row.since),
    last_success_at: isoOrNull(row.lastSuccessAt), caught_up_at: isoOrNull(row.caughtUpAt), exported_rows: row.exportedRows, unsent_rows: row.unsent, oldest_unsent: isoOrNull(row.oldestUnsentAt),
    parked_rows: row.parked, workflow_url: workflowUrl(temporalUi, exportWorkflowId(row.exporter)),
  });
  router.get('/v1/exports', async (_request, response) => {
    response.json({ exports: (await ledger.listExports()).map(view) });
  });
  router.get('/v1/exports/:exporter', async (request, response) => {
    const found = (await ledger.listExports()).find(({ exporter }) => exporter === request.params.exporter);
    if (!found) {
      response.status(404).json({ problem: `no export to ${request.params.exporter.slice(0, 200)} has run` });
      return;
    }
    const parked = await ledger.listParked(found.exporter, SHOWN_PARKED);
    response.json({ ...view(found), parked: parked.map(({ eventId, occurredAt, reason, parkedAt }) => ({ event_id: eventId, occurred_at: occurredAt, reason, parked_at: isoOrNull(parkedAt) })) });
  });
  return router;
}

/** `/v1/actions`: how the sending to each action stands. */
import { Router } from 'express';
import type { SyncState } from '../domain/failures.ts';
import type { Mode, Policies } from '../domain/registry.ts';
import type { ActionStanding, Ledger } from '../ledger/index.ts';
import { actionWorkflowId } from '../workflows/contract.ts';
import { workflowUrl } from './workflow-url.ts';

/** How one action stands. */
export interface ActionView {
  action: string;
  /** Null, as `mode`: it is no longer in headgate.yaml. */
  kind: string | null;
  mode: Mode | null;
  ordered: boolean;
  state: SyncState;
  cause: string | null;
  cure: string | null;
  failures: number;
  since: Date | null;
  retry_at: Date | null;
  last_success_at: Date | null;
  waiting: number;
  oldest_waiting: Date | null;
  sent: number;
  refused: number;
  refused_because: string | null;
  workflow_url: string | null;
}

export interface ActionOptions {
  ledger: Ledger;
  policies: Policies;
  temporalUi: string | undefined;
}

export function actionRoutes(options: ActionOptions): Router {
  const router = Router();
  router.get('/v1/actions', async (_request, response) => {
    response.json({ actions: await readActions(options) });
  });
  return router;
}

/** Every action of headgate.yaml, and those that were in it before and still have something to show. */
export async function readActions({ ledger, policies, temporalUi }: ActionOptions): Promise<ActionView[]> {
  const standings = new Map((await ledger.listActions()).map((standing) => [standing.action, standing]));
  const names = [...new Set([...(policies.actions?.keys() ?? []), ...standings.keys()])];
  return names.map((name) => viewOf(name, policies, standings.get(name), temporalUi));
}

function viewOf(name: string, policies: Policies, standing: ActionStanding | undefined, temporalUi: string | undefined): ActionView {
  const entry = policies.actions?.get(name);
  const paused = standing?.paused === true || entry?.mode === 'paused';
  return {
    action: name, kind: entry?.kind ?? null, mode: entry?.mode ?? null, ordered: entry?.ordered ?? false,
    state: paused ? 'paused' : (standing?.state ?? 'ok'), cause: standing?.cause ?? null, cure: standing?.cure ?? null, failures: standing?.failures ?? 0,
    since: standing?.since ?? null, retry_at: standing?.retry_at ?? null, last_success_at: standing?.last_success_at ?? null,
    waiting: standing?.waiting ?? 0, oldest_waiting: standing?.oldest_waiting ?? null, sent: standing?.sent ?? 0, refused: standing?.refused ?? 0,
    refused_because: standing?.refused_because ?? null, workflow_url: standing ? workflowUrl(temporalUi, actionWorkflowId(name)) : null,
  };
}

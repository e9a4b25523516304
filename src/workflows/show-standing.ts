import { isCancellation, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { FailureReport, SyncState } from '../domain/failures.ts';

const SYNC_STATE = defineSearchAttributeKey('SyncState', SearchAttributeType.KEYWORD);

/** What the ledger is told of how a long-lived workflow stands. */
export interface ToldStanding {
  state: SyncState;
  failures: number;
  report?: FailureReport;
  retryInMs?: number;
}

/**
 * Makes a changed standing visible: in the Temporal UI at once, in the ledger as far as it answers.
 * @param details what the Temporal UI shows, in Markdown
 * @param tell the step that writes it into the ledger
 */
export async function showStanding({ state, failures, report }: ToldStanding, details: string, tell: (told: ToldStanding) => Promise<void>, retryInMs?: number): Promise<void> {
  if (workflowInfo().typedSearchAttributes.get(SYNC_STATE) !== state) upsertSearchAttributes([{ key: SYNC_STATE, value: state }]);
  setCurrentDetails(details);
  await tell({ state, failures, ...(report ? { report } : {}), ...(retryInMs === undefined ? {} : { retryInMs }) }).catch((error: unknown) => {
    if (isCancellation(error)) throw error;
  });
}

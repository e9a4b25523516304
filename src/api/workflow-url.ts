/** A workflow in the Temporal UI; null when the UI's address is not known. @param ui with its namespace */
export const workflowUrl = (ui: string | undefined, workflowId: string): string | null => (ui === undefined ? null : `${ui}/workflows/${encodeURIComponent(workflowId)}`);

/** Queries of the Temporal UI's workflow list, to be kept there as saved views. */
export const STUCK_SYNCS = 'ExecutionStatus = "Running" AND SyncState != "ok"';
export const inAudienceNow = (audienceKey: string): string => `WorkflowType = "audienceAdd" AND ExecutionStatus = "Running" AND AudienceKey = "${audienceKey}"`;
export const thisPerson = (personId: string): string => `PersonId = "${personId}"`;

/** The list of workflows that a query finds. */
export const savedView = (temporalUi: string | undefined, query: string): string | null => (temporalUi === undefined ? null : `${temporalUi}/workflows?query=${encodeURIComponent(query)}`);

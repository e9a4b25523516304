/** A workflow in the Temporal UI; null when the UI's address is not known. @param ui with its namespace */
export const workflowUrl = (ui: string | undefined, workflowId: string): string | null => (ui === undefined ? null : `${ui}/workflows/${encodeURIComponent(workflowId)}`);

/** What the steps of workflow types need of Temporal: entity workflows, which live long and are told what happens. */
export interface Entities {
  /** Starts the workflow where it does not run, and signals it. */
  signalWithStart: (workflowId: string, given: { workflow: string; start: unknown; signal: string; payload: unknown; personId: string }) => Promise<void>;
  /** False where none of that id runs. */
  signal: (workflowId: string, signal: string, payload: unknown) => Promise<boolean>;
}

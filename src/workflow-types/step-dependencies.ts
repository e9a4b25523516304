/** What the activities of a workflow type are built from. */
export interface StepDependencies {
  /** Writes lines of JSON: `logger.info({ order: 'o-1' }, 'The order was found.')`. Never give it an e-mail address. */
  logger: StepLogger;
  /** As Node's own; tests put another one in its place. */
  fetch: typeof fetch;
  /** What headgate.yaml says below `workflows: settings: <the folder's name>`, with environment variables put in. */
  settings: Readonly<Record<string, unknown>>;
}

export interface StepLogger {
  debug: (fields: object, message: string) => void;
  info: (fields: object, message: string) => void;
  warn: (fields: object, message: string) => void;
  error: (fields: object, message: string) => void;
}

/** The histories of every released version: what workflows did that may still be asleep when the next version comes. Recorded by `npm run record:histories`. */
import { readdir, readFile } from 'node:fs/promises';

export const HISTORIES = new URL('./histories/', import.meta.url);

/** An event of a history, as Temporal's tools write it (`temporal workflow show --output json`); only what is looked at here. */
export interface HistoryEvent {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowId: string; workflowType: { name: string } };
  [attributes: string]: unknown;
}

export interface RecordedHistory {
  /** The version that did it. */
  version: string;
  /** From the project's folder, such as `test/replay/histories/0.1.0/audience-add-superseded.json`. */
  path: string;
  workflowType: string;
  workflowId: string;
  history: { events: HistoryEvent[] };
}

/** `audienceAdd` → `audience-add`, as the workflow's file is called. */
export const fileNameOf = (workflowType: string): string => workflowType.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** All of a folder with one folder for each version. Throws for a file that is no history. */
export async function readHistories(folder: URL = HISTORIES): Promise<RecordedHistory[]> {
  const found: RecordedHistory[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const version of entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort()) {
    const names = await readdir(new URL(`${version}/`, folder));
    for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
      const path = `test/replay/histories/${version}/${name}`;
      const history = JSON.parse(await readFile(new URL(`${version}/${name}`, folder), 'utf8')) as { events?: HistoryEvent[] };
      const started = history.events?.[0]?.workflowExecutionStartedEventAttributes;
      if (!history.events || !started) throw new Error(`${path} is no history: its first event is not WorkflowExecutionStarted. Record it anew: npm run record:histories`);
      found.push({ version, path, workflowType: started.workflowType.name, workflowId: started.workflowId, history: { events: history.events } });
    }
  }
  return found;
}

/** Runs saved histories of workflows again with today's code: what a change breaks shows here, and not with the people who are under way. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type WorkflowBundle } from '@temporalio/worker';

/** What happened in a workflow, as Temporal keeps it. */
export type History = Parameters<typeof historyToJSON>[0];

interface Named {
  /** For people: the file, or the workflow's id. */
  name: string;
  history: unknown;
}

/** A change of a workflow that those which are under way cannot go on with. */
export class HistoryBroken extends Error {
  override readonly name = 'HistoryBroken';
}

/**
 * Resolves with how many histories were replayed. Throws HistoryBroken, which says what to do, when one of them does not go on as it did.
 * @param from a history, a file with one (`temporal workflow show -w ID --output json`), or a folder with such files
 */
export async function replay(workflowBundle: WorkflowBundle, from: History | string): Promise<number> {
  const named = typeof from === 'string' ? await readHistories(from) : [{ name: 'the history', history: from }];
  const broken: string[] = [];
  const histories = named.map(({ name, history }) => ({ workflowId: name, history }));
  for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle }, histories)) {
    if (error) broken.push(`  ${workflowId}: ${error.message.split('\n')[0] ?? ''}`);
  }
  if (broken.length > 0) throw new HistoryBroken(messageOf(broken, named.length));
  return named.length;
}

const messageOf = (broken: readonly string[], all: number): string => `${String(broken.length)} of ${String(all)} saved histories cannot go on with the workflows as they are now:
${broken.join('\n')}
Workflows that are under way would stop at that place. A workflow must do what its history says, in that order: put the change behind
  if (patched('what-changed')) { …new… } else { …as before… }        (import { patched } from 'headgate/workflow')
so that those which began before go on as before, and keep the old way until none of them runs any more. If the history itself is wrong
(it was never released), delete it or save it anew.`;

async function readHistories(path: string): Promise<Named[]> {
  if ((await stat(path)).isFile()) return [await readHistory(path)];
  const files = (await readdir(path, { recursive: true })).filter((file) => file.endsWith('.json')).sort();
  if (files.length === 0) throw new Error(`There is no history in ${path}: save one with kit.save(run, file), or by temporal workflow show -w ID --output json.`);
  return Promise.all(files.map((file) => readHistory(join(path, file))));
}

async function readHistory(file: string): Promise<Named> {
  return { name: file, history: JSON.parse(await readFile(file, 'utf8')) as unknown };
}

/** As `temporal workflow show` writes it. */
export const writeHistory = (history: History): string => `${JSON.stringify(JSON.parse(historyToJSON(history)), null, 2)}\n`;

/** Replays recorded histories with today's workflows, and says what to do when one cannot go on. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { HistoryEvent, RecordedHistory } from './histories.ts';
import { textsOf } from './record/scrub.ts';

const nothing = (): void => undefined;
const silent = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** Once for each test file, before the first replay: what a replay finds is told by `explain`. */
export function installQuietRuntime(): void {
  Runtime.install({ logger: silent, telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } } });
}

/** @param folder where `src/workflows/index.ts` is; default: this project */
export const bundleOf = (folder = new URL('../../', import.meta.url)): Promise<WorkflowBundleWithSourceMap> =>
  bundleWorkflowCode({ workflowsPath: fileURLToPath(new URL('src/workflows/index.ts', folder)), logger: silent });

/** A message for each history that these workflows cannot go through; none when all is well. */
export async function replay(histories: readonly RecordedHistory[], workflowBundle: WorkflowBundleWithSourceMap): Promise<string[]> {
  const problems: string[] = [];
  const given = histories.map(({ history, workflowId }) => ({ history, workflowId }));
  // Results come in the order of the histories.
  let index = 0;
  for await (const { error } of Worker.runReplayHistories({ workflowBundle, replayName: 'replay' }, given)) {
    const recorded = histories[index++];
    if (error && recorded) problems.push(explain(recorded, error));
  }
  if (index !== histories.length) throw new Error(`${String(index)} of ${String(histories.length)} histories were replayed`);
  return problems;
}

/** What differs, and what to do about it. */
export function explain({ path, version, workflowType, history }: Pick<RecordedHistory, 'path' | 'version' | 'workflowType' | 'history'>, error: Error): string {
  return `${path}: a ${workflowType} that began with Headgate ${version} cannot go on with these workflows.
  What differs: ${differenceIn(error)}
  What it did then: ${stepsOf(history.events).join(', ') || 'nothing yet'}
  What to do, one of:
  - The change is meant: put it behind \`patched()\`, by a predicate in src/workflows/patches.ts (it says how), so that runs that began before it go on in the old way.
  - It is not meant: workflows must start the same timers, activities and child workflows in the same order as before. Take it back.
  - Headgate ${version} is not released yet: record its histories anew with \`npm run record:histories\`.
  - Nobody may come from Headgate ${version} any more (docs/releasing.md says for how long they may): delete the folder test/replay/histories/${version} and say so in CHANGELOG.md.`;
}

/** The sentence in Temporal's error that names both sides. */
function differenceIn(error: Error): string {
  const text = error.message.replaceAll(/\s+/g, ' ').trim();
  return /Nondeterminism error: .*?(?=, explicit_cause|"\s*,?\s*source|$)/i.exec(text)?.[0] ?? text;
}

/** So many steps say enough. */
const MOST_STEPS = 25;

/** What a run had Temporal do, in order: what today's workflow must do too. */
function stepsOf(events: readonly HistoryEvent[]): string[] {
  const steps = events.flatMap(stepOf);
  return steps.length > MOST_STEPS ? [...steps.slice(0, MOST_STEPS), '…'] : steps;
}

interface Attributes {
  activityType?: { name: string };
  workflowType?: { name: string };
  markerName?: string;
  details?: unknown;
  startToFireTimeout?: string;
  signalName?: string;
}

function stepOf({ eventType, ...event }: HistoryEvent): string[] {
  const attributes = Object.entries(event).find(([name]) => name.endsWith('EventAttributes'))?.[1] as Attributes | undefined;
  const activity = attributes?.activityType?.name ?? '';
  switch (eventType.replace('EVENT_TYPE_', '')) {
    case 'ACTIVITY_TASK_SCHEDULED':
      return [`activity ${activity}`];
    case 'TIMER_STARTED':
      return [`timer of ${attributes?.startToFireTimeout ?? '?'}`];
    case 'START_CHILD_WORKFLOW_EXECUTION_INITIATED':
      return [`child workflow ${attributes?.workflowType?.name ?? ''}`];
    case 'SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED':
      return [`signal ${attributes?.signalName ?? ''}`];
    case 'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES':
      return ['search attributes'];
    case 'MARKER_RECORDED': {
      const [data = ''] = textsOf(attributes?.details).filter((text) => text.startsWith('{'));
      const name = /"(?:activity_type|id)":"([^"]+)"/.exec(data)?.[1] ?? '';
      return [`${attributes?.markerName === 'core_patch' ? 'patch' : 'local activity'} ${name}`];
    }
    default:
      return eventType.endsWith('CONTINUED_AS_NEW') ? ['a new run'] : eventType.endsWith('EXECUTION_COMPLETED') && eventType.startsWith('EVENT_TYPE_WORKFLOW') ? ['the end'] : [];
  }
}

/** The parts of Headgate that workflow types need, for a test: as wiring.ts puts them together, with what a test replaces. */
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundle } from '@temporalio/worker';
import type { ActionEntry, Audience, Policies } from '../domain/registry.ts';
import { createLogger } from '../monitoring/logger.ts';
import { bundleTypes, createEntities, TemporalGateway } from '../temporal/index.ts';
import { byEvent, createTypeActivities, loadWorkflowTypes, type LoadedType, type Steps } from '../workflow-types/index.ts';
import { QUEUES, SEARCH_ATTRIBUTES } from '../workflows/contract.ts';
import { FailingSteps } from './failing-steps.ts';
import { MemoryStore } from './memory-store.ts';

/** What is tested, and what stands around it. */
export interface TypesUnderTest {
  /** Folders of types, or folders that hold such, as `workflows:` of headgate.yaml: `import.meta.dirname` of a test beside a type. */
  workflows: string | readonly string[];
  /** What headgate.yaml says of each type below `settings`, by the name of its folder. */
  settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Names of the actions of headgate.yaml: where `cio.forward` events may go. */
  actions?: readonly string[];
  /** Keys of the audiences of headgate.yaml. */
  audiences?: readonly string[];
  /** What steps reach outside by. Default: every call fails, because a test reaches nobody. */
  fetch?: typeof fetch;
  /** Steps to put in the place of the types' own, by name. */
  steps?: Steps;
}

export interface RunningTypes {
  policies: Policies;
  client: Client;
  bundle: WorkflowBundle;
  store: MemoryStore;
  failing: FailingSteps;
  stop: () => Promise<void>;
}

/** Throws with every mistake in the types, as Headgate does at start. */
export async function runTypes(environment: TestWorkflowEnvironment, { workflows, settings = {}, actions = [], audiences = [], fetch = refuseToFetch, steps = {} }: TypesUnderTest): Promise<RunningTypes> {
  const types = load(typeof workflows === 'string' ? [workflows] : workflows);
  const policies: Policies = { audiences: new Map(audiences.map((key) => [key, audienceOf(key)])), destinations: new Map(), actions: new Map(actions.map((name) => [name, actionOf(name)])), types: byEvent(types) };
  await registerSearchAttributes(environment, types);
  const { nativeConnection: connection, namespace = 'default' } = environment;
  // The environment's own client lets the clock run free, see await-result.ts.
  const client = new Client({ connection: environment.connection, namespace });
  const gateway = new TemporalGateway({ client, eager: false });
  const failing = new FailingSteps();
  const store = new MemoryStore(policies, async ({ event, decision }) => {
    if (event.type && decision.status !== 'test') await gateway.startEvent(event, decision);
  });
  const activities = createTypeActivities(types, { store, entities: createEntities(client), policies, now: () => environment.currentTimeMs(), logger: createLogger({ level: 'silent', pretty: false }), settings, fetch, count: () => undefined });
  const bundle = await bundleTypes(types, { interceptors: [fileURLToPath(new URL('./fail-at-once.ts', import.meta.url))] });
  const worker = await Worker.create({ connection, taskQueue: QUEUES.steps, workflowBundle: bundle, activities: { ...activities, ...steps }, interceptors: { activity: [failing.interceptor] } });
  const running = worker.run();
  running.catch(() => undefined);
  return {
    policies, client, bundle, store, failing,
    stop: async () => {
      worker.shutdown();
      await running.catch(() => undefined);
    },
  };
}

function load(folders: readonly string[]): LoadedType[] {
  const { types, problems } = loadWorkflowTypes(folders, process.cwd());
  if (problems.length > 0) throw new Error(`The workflow types have mistakes:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  return types;
}

const audienceOf = (key: string): Audience => ({ key, description: key, owner: { name: 'test' }, windowMs: null, excludes: [], holdout: 0, holdouts: [], mode: 'live', targets: [] });
const actionOf = (name: string): ActionEntry => ({ name, kind: 'http', mode: 'live', testProfiles: [], ordered: false });

const refuseToFetch: typeof fetch = (input) => Promise.reject(new Error(`A test reaches nobody, and ${input instanceof Request ? input.url : String(input)} was asked: give createTestKit a fetch, or put a step in place of this one by steps.`));

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;
/** gRPC ALREADY_EXISTS */
const THERE = 6;

async function registerSearchAttributes({ connection, namespace = 'default' }: TestWorkflowEnvironment, types: readonly LoadedType[]): Promise<void> {
  for (const name of new Set([...SEARCH_ATTRIBUTES, ...types.flatMap(({ attributeNames }) => attributeNames)])) {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries([[name, KEYWORD]]) }).catch((error: unknown) => {
      if ((error as { code?: number }).code !== THERE) throw error;
    });
  }
}

/** Rolling out by version: workers that are versions of a Temporal deployment, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/monitoring/logger.ts';
import { connectNative, readTemporalSettings, type WorkerDeployment } from '../../src/temporal/index.ts';
import { startWorker } from '../../src/wiring.ts';
import { QUEUES } from '../../src/workflows/contract.ts';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'default';
/** temporal.api.enums.v1.VersioningBehavior */
const AUTO_UPGRADE = 2;
/** temporal.api.enums.v1.RoutingConfigUpdateState */
const COMPLETED = 2;
/** Those that every worker polls, with or without workflow types of one's own. */
const QUEUE_NAMES = [QUEUES.events, QUEUES.forward, QUEUES.patient, QUEUES.sync];
const FIRST: WorkerDeployment = { name: 'headgate', buildId: '1.0.0' };
const SECOND: WorkerDeployment = { name: 'headgate', buildId: '1.1.0' };

let service: TestService;
beforeAll(async () => {
  service = await startService({ environment: { TEMPORAL_WORKER_BUILD_ID: FIRST.buildId } });
});
afterAll(() => service.stop());

const api = () => service.client.workflowService;
/** The queues that a version's workers poll. */
async function queuesOf(deployment: WorkerDeployment): Promise<string[]> {
  const { versionTaskQueues } = await api().describeWorkerDeploymentVersion({ namespace: NAMESPACE, deploymentVersion: { deploymentName: deployment.name, buildId: deployment.buildId } });
  return [...new Set(versionTaskQueues.map(({ name }) => name ?? ''))].sort();
}
/** As `temporal worker deployment set-current-version` does, once the version polls all queues. */
async function makeCurrent(deployment: WorkerDeployment): Promise<void> {
  await until(() => queuesOf(deployment), (queues) => queues.length === QUEUE_NAMES.length);
  await until(() => api().setWorkerDeploymentCurrentVersion({ namespace: NAMESPACE, deploymentName: deployment.name, buildId: deployment.buildId, identity: 'an operator' }), () => true);
  // The answer comes before all of Temporal's queues know it.
  const propagated = async (): Promise<unknown> => (await api().describeWorkerDeployment({ namespace: NAMESPACE, deploymentName: deployment.name })).workerDeploymentInfo?.routingConfigUpdateState;
  await until(propagated, (state) => state === COMPLETED);
}
/** Each step of a workflow, by the version that did it. */
async function versionsOf(workflowId: string): Promise<(string | null | undefined)[]> {
  const { events } = await service.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: step }) => (step ? [step.deploymentVersion?.buildId] : []));
}

/** Workers beside those of the service. Undefined: not versioned. */
async function startMore(deployment: WorkerDeployment | undefined): Promise<() => Promise<void>> {
  const connection = await connectNative(readTemporalSettings({}, service.temporal.address), createLogger({ level: 'silent', pretty: false }));
  const environment = { ...service.parts.environment };
  if (deployment) environment.deployment = deployment;
  else delete environment.deployment;
  const worker = await startWorker({ ...service.parts, environment }, connection.native, NAMESPACE);
  return async () => {
    await worker.stop();
    await connection.close();
  };
}

test('workers with a build id get no work before their version is current; adds that sleep go on there, whether they began unversioned or at another version', async () => {
  const { person, hash } = somebody();
  const [first, second, third] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
  const add = (eventId: string, secondsAgo: number) => service.post({ ...person, event_id: eventId, timestamp: seconds() - secondsAgo });
  const asleep = (eventId: string) => until(() => versionsOf(eventId), (versions) => versions.length > 0);

  // Decided by the ledger, as always.
  expect(await add(first, 3_600)).toMatchObject({ status: 200, body: { status: 'applied' } });
  await until(() => queuesOf(FIRST), (queues) => queues.length === QUEUE_NAMES.length);
  expect(await queuesOf(FIRST)).toEqual(QUEUE_NAMES);
  await until(() => service.client.workflow.getHandle(first).describe(), ({ status }) => status.name === 'RUNNING');
  expect(await versionsOf(first)).toEqual([]);
  expect(service.members(CART_AT_META)).not.toContain(hash);

  const stopUnversioned = await startMore(undefined);
  expect(new Set(await asleep(first))).toEqual(new Set([undefined]));
  await stopUnversioned();

  await makeCurrent(FIRST);
  await until(() => service.members(CART_AT_META), (members) => members.includes(hash));
  await add(second, 60);
  expect(await service.client.workflow.getHandle(first).result()).toMatchObject({ audience: 'in', because: `added by ${second}` });
  expect((await versionsOf(first)).at(-1)).toBe(FIRST.buildId);
  expect(new Set(await asleep(second))).toEqual(new Set([FIRST.buildId]));

  const stopSecond = await startMore(SECOND);
  try {
    await makeCurrent(SECOND);
    const sleeper = service.client.workflow.getHandle(second);
    expect((await sleeper.describe()).raw.workflowExecutionInfo?.versioningInfo?.behavior).toBe(AUTO_UPGRADE);
    await add(third, 0);
    expect(await sleeper.result()).toMatchObject({ audience: 'in', because: `added by ${third}` });
    expect((await versionsOf(second)).at(-1)).toBe(SECOND.buildId);
    expect(new Set(await asleep(third))).toEqual(new Set([SECOND.buildId]));
  } finally {
    await stopSecond();
  }
});

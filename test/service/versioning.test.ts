/** Rolling out by version: workers that are versions of a Temporal deployment, on a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkerDeployment } from '../../src/temporal/index.ts';
import { connectNative, readTemporalSettings } from '../../src/temporal/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { startWorker } from '../../src/wiring.ts';
import { CART_AT_META, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'default';
/** temporal.api.enums.v1.VersioningBehavior */
const AUTO_UPGRADE = 2;
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
  await until(() => queuesOf(deployment), (queues) => queues.length === 4);
  await until(() => api().setWorkerDeploymentCurrentVersion({ namespace: NAMESPACE, deploymentName: deployment.name, buildId: deployment.buildId, identity: 'an operator' }), () => true);
}
/** Each step of a workflow, by the version that did it. */
async function versionsOf(workflowId: string): Promise<(string | null | undefined)[]> {
  const { events } = await service.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ workflowTaskCompletedEventAttributes: step }) => (step ? [step.deploymentVersion?.buildId] : []));
}

test('a worker with a build id registers with all its queues and gets no work before its version is current; an add that sleeps goes on at the next version', async () => {
  const { person, hash } = somebody();
  const [older, newer] = [crypto.randomUUID(), crypto.randomUUID()];
  // Decided by the ledger, as always.
  expect(await service.post({ ...person, event_id: older, timestamp: seconds() - 3_600 })).toMatchObject({ status: 200, body: { status: 'applied' } });
  await until(() => queuesOf(FIRST), (queues) => queues.length === 4);
  expect(await queuesOf(FIRST)).toEqual(['headgate-events', 'headgate-forward', 'headgate-patient', 'headgate-sync']);
  const add = service.client.workflow.getHandle(older);
  await until(() => add.describe(), ({ status }) => status.name === 'RUNNING');
  expect(await versionsOf(older)).toEqual([]);
  expect(service.members(CART_AT_META)).not.toContain(hash);

  await makeCurrent(FIRST);
  await until(() => service.members(CART_AT_META), (members) => members.includes(hash));
  await until(() => versionsOf(older), (versions) => versions.length > 0);
  expect(new Set(await versionsOf(older))).toEqual(new Set([FIRST.buildId]));

  const logger = createLogger({ level: 'silent', pretty: false });
  const connection = await connectNative(readTemporalSettings({}, service.temporal.address), logger);
  const parts = { ...service.parts, environment: { ...service.parts.environment, deployment: SECOND } };
  const second = await startWorker(parts, connection.native, NAMESPACE);
  try {
    await makeCurrent(SECOND);
    const { raw } = await add.describe();
    expect(raw.workflowExecutionInfo?.versioningInfo?.behavior).toBe(AUTO_UPGRADE);
    await service.post({ ...person, event_id: newer });
    expect(await add.result()).toMatchObject({ audience: 'in', because: `added by ${newer}` });
    expect((await versionsOf(older)).at(-1)).toBe(SECOND.buildId);
    expect(await until(() => versionsOf(newer), (versions) => versions.length > 0)).toEqual([SECOND.buildId]);
  } finally {
    await second.stop();
    await connection.close();
  }
});

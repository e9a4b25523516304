/** Workers as a version of a deployment, for those who roll out by version (docs/releasing.md). Temporal then says which version gets what. */
import type { WorkerDeploymentOptions } from '@temporalio/worker';

/** Names as Temporal's own: `temporal worker deployment … --deployment-name NAME --build-id BUILD_ID`. */
export interface WorkerDeployment {
  name: string;
  buildId: string;
}

/**
 * Every workflow moves to the version that is current when it does its next step. Windows sleep for months and syncs run for ever: pinned to the version
 * that they began with, they would need workers of each version for just as long. What has changed meanwhile stands behind the predicates of workflows/patches.ts.
 */
export const versionedAs = ({ name, buildId }: WorkerDeployment): WorkerDeploymentOptions => ({
  version: { deploymentName: name, buildId },
  useWorkerVersioning: true,
  defaultVersioningBehavior: 'AUTO_UPGRADE',
});

/** The command that sends work to a version; until then such workers wait. */
export const currentVersionCommand = ({ name, buildId }: WorkerDeployment): string => `temporal worker deployment set-current-version --deployment-name ${name} --build-id ${buildId}`;

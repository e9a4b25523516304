/**
 * What happens, in order: one workflow a file, to be read from top to bottom. Runs in Temporal's sandbox, so it must never
 * import Node, npm packages or another room's code except domain/. Start reading at audience-add.ts.
 */
export { actionQueue } from './action-queue.ts';
export { adopt } from './adopt.ts';
export { audienceAdd } from './audience-add.ts';
export { audienceRemove } from './audience-remove.ts';
export { audienceSync } from './audience-sync.ts';
export { audit } from './audit.ts';
export { erase } from './erase.ts';
export { exposure } from './exposure.ts';
export { exposureExport } from './exposure-export.ts';
export { fillTarget } from './fill-target.ts';
export { forward } from './forward.ts';
export { lifeboat } from './lifeboat.ts';
export { monitor } from './monitor.ts';
export { readSizes } from './read-sizes.ts';
export { reconcile } from './reconcile.ts';
export { resync } from './resync.ts';
export { retire } from './retire.ts';
export { rewindow } from './rewindow.ts';

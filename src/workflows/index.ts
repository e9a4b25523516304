/**
 * What happens, in order: one workflow a file, to be read from top to bottom. Runs in Temporal's sandbox, so it must never
 * import Node, npm packages or another room's code except domain/. Start reading at audience-add.ts.
 */
export { audienceAdd } from './audience-add.ts';
export { audienceRemove } from './audience-remove.ts';
export { audienceSync } from './audience-sync.ts';
export { exposure } from './exposure.ts';
export { lifeboat } from './lifeboat.ts';

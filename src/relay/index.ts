/**
 * From the ledger to Temporal: starts the workflow of each decided event, wakes syncs, sweeps.
 * It must never decide anything. Start reading at relay.ts.
 */
export { ActionWaker } from './action-waker.ts';
export { Relay } from './relay.ts';
export { Sweep } from './sweep.ts';
export { Waker } from './waker.ts';

/**
 * What `npm start` and the tests run when nothing else is named: a real Postgres and a real Temporal server on this machine,
 * found, fetched or built, started and stopped in order. Never used by the production entry points server.ts and worker.ts.
 */
export { startPostgres, type EmbeddedPostgres } from './postgres.ts';
export { findTemporalBinary } from './temporal-binary.ts';
export { startTemporal, type EmbeddedTemporal } from './temporal-server.ts';
export { takeDataFolder, type DataFolder } from './data-folder.ts';
export { assertPortIsFree } from './ports.ts';
export { whenParentIsGone } from './parent.ts';
export { EmbeddedError } from './embedded-error.ts';
export { findTestServer } from './test-server.ts';

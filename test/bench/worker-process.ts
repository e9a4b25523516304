/** Workers in a process of their own. Arguments: connection string, Temporal's address. */
import { startBenchWorkers } from './workflows.ts';

const [, , databaseUrl = '', temporalAddress = ''] = process.argv;
await startBenchWorkers({ databaseUrl, temporalAddress });
process.send?.('ready');

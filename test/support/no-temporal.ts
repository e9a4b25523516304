/** For activities that ask Temporal for nothing. */
import { Client, Connection } from '@temporalio/client';
import { TemporalGateway } from '../../src/temporal/index.ts';

/** Connects only when it is asked, to nowhere. */
export const NO_TEMPORAL = new TemporalGateway({ client: new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) }), eager: false });

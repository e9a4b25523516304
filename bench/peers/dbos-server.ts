/**
 * An express route that starts one workflow per event, whose id is the event's, with one step that decides, and answers when
 * it has. Arguments: connection strings of the ledger and of DBOS's system database.
 */
import { createServer } from 'node:http';
import { DBOS } from '@dbos-inc/dbos-sdk';
import express from 'express';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { listenForBench, openPool } from './child.ts';
import { decide, type Answer } from './decide.ts';
import { policies } from './events.ts';

const [, , ledgerUrl = '', systemDatabaseUrl = ''] = process.argv;
const pool = openPool(ledgerUrl);
const decideEvent = DBOS.registerWorkflow((event: HeadgateEvent): Promise<Answer> => DBOS.runStep(() => decide(pool, policies, event), { name: 'decide', retriesAllowed: true }), { name: 'decideEvent' });

DBOS.setConfig({ name: 'headgate-bench', systemDatabaseUrl, systemDatabasePoolSize: 20, logLevel: 'error', applicationVersion: 'bench' });
await DBOS.launch();

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/events', express.json(), async (request, response) => {
  const event = request.body as HeadgateEvent;
  const handle = await DBOS.startWorkflow(decideEvent, { workflowID: event.eventId })(event);
  response.json(await handle.getResult());
});
listenForBench(createServer(app));

/** The same decision of one event in one transaction, with no engine around it. Argument: connection string. */
import { createServer } from 'node:http';
import express from 'express';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { listenForBench, openPool } from './child.ts';
import { decide } from './decide.ts';
import { policies } from './events.ts';

const pool = openPool(process.argv[2] ?? '');
const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/events', express.json(), async (request, response) => {
  response.json(await decide(pool, policies, request.body as HeadgateEvent));
});
listenForBench(createServer(app));

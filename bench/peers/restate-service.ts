/** A service of which each call decides one event in one durable step. HTTP/2, so that a call is one stream. Argument: connection string. */
import { createServer } from 'node:http2';
import { createEndpointHandler, service, type Context } from '@restatedev/restate-sdk';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { listenForBench, openPool } from './child.ts';
import { decide, type Answer } from './decide.ts';
import { policies } from './events.ts';

const pool = openPool(process.argv[2] ?? '');
const door = service({
  name: 'door',
  handlers: { decide: (context: Context, event: HeadgateEvent): Promise<Answer> => context.run('decide', () => decide(pool, policies, event)) },
});
listenForBench(createServer(createEndpointHandler({ services: [door] })));

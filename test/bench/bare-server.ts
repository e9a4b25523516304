/** The baseline of the door: express, zod and HMAC as the door uses them, and nothing stored. Prints its port. */
import express from 'express';
import { z } from 'zod';
import { webhookBody } from '../../src/api/webhook-schema.ts';
import { sameText, sign } from '../../src/api/verify-signature.ts';
import { BENCH_SECRET } from './registry.ts';

const reportingBody = z.object({ event_id: z.string(), object_type: z.string(), metric: z.string(), timestamp: z.number(), data: z.record(z.string(), z.unknown()) });

const app = express();
app.disable('x-powered-by');
app.disable('etag');
app.post('/v1/webhooks/:source', express.raw({ type: () => true }), (request, response) => {
  const body = request.body as Buffer;
  if (!sameText(sign(BENCH_SECRET, request.get('x-cio-timestamp') ?? '', body), request.get('x-cio-signature') ?? '')) {
    response.status(401).json({ status: 'unauthorised' });
    return;
  }
  const parsed = webhookBody.safeParse(JSON.parse(body.toString('utf8')));
  response.status(parsed.success ? 200 : 422).json({ status: parsed.success ? 'applied' : 'invalid', event_id: parsed.data?.event_id });
});
app.post('/v1/webhooks/:source/reporting', express.raw({ type: () => true }), (request, response) => {
  const body = request.body as Buffer;
  if (!sameText(sign(BENCH_SECRET, request.get('x-cio-timestamp') ?? '', body), request.get('x-cio-signature') ?? '')) {
    response.status(401).json({ status: 'unauthorised' });
    return;
  }
  const parsed = reportingBody.safeParse(JSON.parse(body.toString('utf8')));
  response.status(parsed.success ? 200 : 422).json({ status: 'applied', event_id: parsed.data?.event_id });
});
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});

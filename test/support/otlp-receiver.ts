/** Takes traces as a collector does: OTLP over HTTP, in JSON. */
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { listen } from '../../src/api/index.ts';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Record<string, unknown>;
  links: string[];
  /** `api` or `worker`. */
  component: unknown;
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}
interface Export {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: (Omit<ReceivedSpan, 'attributes' | 'links'> & { attributes: Attribute[]; links?: { spanId: string }[] })[] }[] }[];
}

const valuesOf = (attributes: readonly Attribute[]): Record<string, unknown> => Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

export async function startOtlpReceiver(): Promise<{ url: string; spans: ReceivedSpan[]; stop: () => Promise<void> }> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of request.url === '/v1/traces' ? (body as Export).resourceSpans : []) {
        const component = valuesOf(resource.attributes)['service.component'];
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push({ ...span, component, attributes: valuesOf(span.attributes), links: (span.links ?? []).map(({ spanId }) => spanId) });
      }
      response.setHeader('Content-Type', 'application/json').end('{}');
    });
  });
  const { port, close } = await listen(server, 0, '127.0.0.1', { sockets: 1 });
  return { url: `http://127.0.0.1:${String(port)}`, spans, stop: close };
}

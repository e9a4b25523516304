/** Spans to an OTLP receiver over HTTP, by OpenTelemetry's SDK. Only tracing.ts loads this, and only where traces are wanted. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, detectResources, resourceAttributesEnvDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { SpanPlace, SpanRecord, Tracer, TracingSettings } from './tracing.ts';

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;
/** Spans come in bursts; what does not fit is dropped. */
const QUEUE = 8_192;
const SEND_EVERY_MS = 1_000;

/** Headers, time-outs and resource attributes come from OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_RESOURCE_ATTRIBUTES` …). */
export function openTracer({ endpoint, service, role, share }: TracingSettings & { endpoint: string }): Tracer {
  let next: SpanPlace | undefined;
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': service, 'service.component': role })).merge(detectResources({ detectors: [resourceAttributesEnvDetector] })),
    // By the trace alone, not by the parent: each process decides alike, and none knows what another one has recorded.
    sampler: new TraceIdRatioBasedSampler(share),
    idGenerator: { generateTraceId: () => next?.traceId ?? '', generateSpanId: () => next?.spanId ?? '' },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
        maxQueueSize: QUEUE,
        scheduledDelayMillis: SEND_EVERY_MS,
      }),
    ],
  });
  const tracer = provider.getTracer('headgate');
  const contextOf = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  const record = ({ place, name, kind, beganAt, endedAt, attributes, failure, link }: SpanRecord): void => {
    next = place;
    const parent = place.parentId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, contextOf(place.traceId, place.parentId));
    const links = link ? [{ context: contextOf(link.traceId, link.spanId) }] : [];
    const span = tracer.startSpan(name, { kind: KINDS[kind], startTime: beganAt, attributes, links, root: place.parentId === undefined }, parent);
    if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
    span.end(Math.max(beganAt, endedAt));
  };
  return { record, stop: () => provider.shutdown() };
}

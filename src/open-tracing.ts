/** Traces of a process, where its environment asks for them. */
import type { Environment } from './config/environment.ts';
import type { Lifecycle } from './lifecycle.ts';
import { startTracing, type Tracing } from './monitoring/tracing.ts';

export async function openTracing(life: Lifecycle, environment: Environment, role: string): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: service, OTEL_TRACES_SAMPLER_ARG: share } = environment;
  const tracer = await startTracing({ endpoint, service, share, role });
  if (tracer) life.started('The traces', tracer.stop);
  return tracer;
}

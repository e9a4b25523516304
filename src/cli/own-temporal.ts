/** The Temporal server that a command on this machine means. */
import type { Environment } from '../config/environment.ts';
import type { TemporalGateway } from '../temporal/index.ts';

/** TEMPORAL_ADDRESS, else the embedded one. The connection ends with the work. */
export async function withTemporal<T>(environment: Environment, work: (gateway: TemporalGateway) => Promise<T>): Promise<T> {
  // Loaded only here: most commands need no Temporal, and it takes half a second.
  const { connectLazily, readTemporalSettings, TemporalGateway: Gateway } = await import('../temporal/index.ts');
  const embedded = environment.TEMPORAL_ADDRESS === undefined ? `127.0.0.1:${String(environment.TEMPORAL_PORT)}` : undefined;
  const { client, close } = connectLazily(readTemporalSettings(environment.variables, embedded));
  try {
    return await work(new Gateway({ client, eager: false }));
  } finally {
    await close();
  }
}

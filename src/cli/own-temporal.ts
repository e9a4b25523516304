/** The Temporal server that a command on this machine means. */
import type { Environment } from '../config/environment.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import type { TemporalConnection, TemporalGateway } from '../temporal/index.ts';

/** TEMPORAL_ADDRESS, else the embedded one. The connection ends with the work. */
export async function withTemporal<T>(environment: Environment, work: (gateway: TemporalGateway, client: TemporalConnection['client']) => Promise<T>): Promise<T> {
  // Loaded only here: most commands need no Temporal, and it takes half a second.
  const { connectLazily, readTemporalSettings, TemporalGateway: Gateway } = await import('../temporal/index.ts');
  const embedded = environment.TEMPORAL_ADDRESS === undefined ? `127.0.0.1:${String(environment.TEMPORAL_PORT)}` : undefined;
  const settings = readTemporalSettings(environment.variables, embedded);
  const { client, close } = connectLazily(settings);
  try {
    return await work(new Gateway({ client, eager: false }), client);
  } catch (error) {
    if (!isSilence(error)) throw error;
    throw new CommandError(EXIT.unreachable, `Temporal at ${settings.address} does not answer, or no worker does: start Headgate (npm start), or set TEMPORAL_ADDRESS.`, { cause: error });
  } finally {
    await close();
  }
}

/** The gateway waits as long as a call may take; the client gives up earlier where nobody listens. */
function isSilence(error: unknown): boolean {
  const { message, cause } = error as { message?: string; cause?: { code?: unknown } };
  return /Temporal did not answer|Failed to connect|DEADLINE_EXCEEDED|UNAVAILABLE/.test(String(message)) || cause?.code === 14 || cause?.code === 4;
}

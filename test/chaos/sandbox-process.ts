/** The platforms' stand-ins as a process of their own, whose memory is in its journal. Argument: SandboxProcessOptions as JSON. */
import { parseRegistry } from '../../src/config/registry.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { startSandbox } from '../../src/sandbox/index.ts';
import { REGISTRY } from './audiences.ts';

export interface SandboxProcessOptions {
  port: number;
  journal: string;
  /** Rows that hold one of these are wrong, from the first moment on. */
  wrongValues: readonly string[];
  /** So many calls to each platform fail at first. */
  firstFailures: number;
  /** How long Google's stand-in takes to decide, in milliseconds. */
  processingMs: number;
}

const { port, journal, wrongValues, firstFailures, processingMs } = JSON.parse(process.argv[2] ?? '{}') as SandboxProcessOptions;
const registry = parseRegistry(REGISTRY, 'headgate.yaml', { variables: {}, sandboxAllowed: true });
const destinations = sandboxDestinations(registry);
const sandbox = await startSandbox({ port, journal, destinations });
sandbox.faults.set(undefined, { fault: 'named_invalid', ms: 0, values: wrongValues });
for (const { name } of destinations) {
  sandbox.faults.set(name, { fault: 'http_500', ms: 0 }, firstFailures);
  sandbox.store.setLimits(name, { processingMs });
}
process.stdout.write(`The sandbox listens on ${sandbox.url}\n`);

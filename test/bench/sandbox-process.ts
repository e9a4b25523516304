/** The platforms' stand-ins in a process of their own. Argument: file of the registry. Prints its address. */
import { loadRegistry } from '../../src/config/registry.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { startSandbox } from '../../src/sandbox/index.ts';

const registry = await loadRegistry(process.argv[2] ?? '', { variables: {}, sandboxAllowed: true });
const sandbox = await startSandbox({ port: 0, destinations: sandboxDestinations(registry) });
process.send?.({ url: sandbox.url });
process.on('disconnect', () => process.exit());

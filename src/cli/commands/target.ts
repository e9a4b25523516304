/** `headgate target create` and `headgate retry`: what an operator does about one target. */
import type { Command } from 'commander';
import { destinationsOf, loadOwnRegistry, pick } from '../own-registry.ts';

const PATIENCE_MS = 60_000;

interface CreateOptions {
  destination: string;
  audience: string;
  name?: string;
}

interface RetryOptions {
  destination: string;
  audience: string;
  customerId?: string;
  personId?: string;
}

export function addTargetCommands(program: Command): void {
  const target = program.command('target').description('An audience at one destination.');
  target
    .command('create')
    .description("Make the platform's audience, or find the one of this name, and print the line for headgate.yaml.")
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience of headgate.yaml')
    .option('--name <name>', 'its name at the platform (default: "Headgate <key>")')
    .action(create);
  program
    .command('retry')
    .description('Try rejected members and blocked removals of a target again.')
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience')
    .option('--customer-id <id>', 'only this person, by your own id')
    .option('--person-id <id>', "only this person, by Headgate's id")
    .action(retry);
}

async function create({ destination: name, audience: key, name: displayName }: CreateOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const destination = pick('destination', name, destinationsOf(own));
  const { description, windowMs } = pick('audience', key, own.registry.policies.audiences);
  const { id, existed } = await destination.createAudience({ name: displayName ?? `Headgate ${key}`, description, windowMs }, AbortSignal.timeout(PATIENCE_MS));
  process.stdout.write(`${existed ? 'There is one of this name already' : 'Made'}: ${id}\nPut it into ${own.path}:\n\n  ${key}:\n    targets: { ${name}: "${id}" }\n`);
}

async function retry({ destination, audience, customerId, personId }: RetryOptions): Promise<void> {
  const { environment, registry } = await loadOwnRegistry();
  pick('destination', destination, registry.destinations);
  const { targets } = pick('audience', audience, registry.policies.audiences);
  if (!targets.some((target) => target.destination === destination)) throw new Error(`${audience} has no target at ${destination} in headgate.yaml.`);
  const { connectLazily, readTemporalSettings, TemporalGateway } = await import('../../temporal/index.ts');
  const embedded = environment.TEMPORAL_ADDRESS === undefined ? `127.0.0.1:${String(environment.TEMPORAL_PORT)}` : undefined;
  const { client, close } = connectLazily(readTemporalSettings(environment.variables, embedded));
  try {
    const answer = await new TemporalGateway({ client, eager: false }).retryTarget({ destination, audienceKey: audience }, customerId ?? personId);
    process.stdout.write(`${answer}.\n`);
  } finally {
    await close();
  }
}

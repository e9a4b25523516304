/** `headgate target create` and `headgate retry`: what an operator does about one target. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Target } from '../../domain/registry.ts';
import { answer, answerSaid } from '../answer.ts';
import { audited } from '../audited.ts';
import { checkTarget, destinationsOf, loadOwnRegistry, pick } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';

const PATIENCE_MS = 60_000;

interface CreateOptions {
  destination: string;
  audience: string;
  name?: string;
  json?: boolean;
}

interface RetryOptions {
  destination: string;
  audience: string;
  customerId?: string;
  personId?: string;
  json?: boolean;
}

/** Returns the command `target`, for more of its kind. */
export function addTargetCommands(program: Command): Command {
  const target = program.command('target').description('An audience at one destination.');
  target
    .command('create')
    .description("Make the platform's audience, or find the one of this name, and print the line for headgate.yaml.")
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience of headgate.yaml')
    .option('--name <name>', 'its name at the platform (default: "Headgate <key>")', notBlank)
    .option('--json', 'print JSON')
    .action(create);
  program
    .command('retry')
    .description('Try rejected members and blocked removals of a target again.')
    .requiredOption('--destination <name>', 'where')
    .requiredOption('--audience <key>', 'the audience')
    .option('--customer-id <id>', 'only this person, by your own id')
    .option('--person-id <id>', "only this person, by Headgate's id")
    .option('--json', 'print JSON')
    .action(retry);
  return target;
}

function notBlank(name: string): string {
  if (name.trim() === '') throw new InvalidArgumentError('It must not be blank.');
  return name.trim();
}

async function create({ destination: name, audience: key, name: displayName, json }: CreateOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const destination = pick('destination', name, destinationsOf(own));
  const { description, windowMs, targets } = pick('audience', key, own.registry.policies.audiences);
  const { id, existed } = await destination.createAudience({ name: displayName ?? `Headgate ${key}`, description, windowMs }, AbortSignal.timeout(PATIENCE_MS));
  answer(json, { destination: name, audience_key: key, id, existed, targets: targetsWith(targets, name, id) }, () => `${existed ? 'There is one of this name already' : 'Made'}: ${id}\n${whatToWrite(own.path, key, targets, name, id)}`);
}

/** The line for the registry: all targets of the audience, so that writing it down loses none. */
function whatToWrite(path: string, key: string, targets: readonly Target[], destination: string, id: string): string {
  const known = targets.find((target) => target.destination === destination)?.platformAudienceId;
  if (known === id) return `It stands in ${path} already.`;
  const line = Object.entries(targetsWith(targets, destination, id)).map(([name, audience]) => `${name}: "${audience}"`).join(', ');
  const instead = known === undefined ? '' : ` instead of ${known}, whose members stay where they are`;
  return `Put it into ${path}${instead}:\n\n  ${key}:\n    targets: { ${line} }`;
}

function targetsWith(targets: readonly Target[], destination: string, id: string): Record<string, string> {
  const others = targets.filter((target) => target.destination !== destination).map((target) => [target.destination, target.platformAudienceId]);
  return { ...(Object.fromEntries(others) as Record<string, string>), [destination]: id };
}

async function retry({ destination, audience, customerId, personId, json }: RetryOptions): Promise<void> {
  const own = await loadOwnRegistry();
  checkTarget(own, destination, audience);
  const person = customerId ?? personId ?? null;
  // The log keeps nobody's name, because nothing in it can be erased.
  const doing = { action: 'target.retry', subject: `${destination}/${audience}`, detail: { of: person === null ? 'everybody' : 'one person' } } as const;
  const said = await withTemporal(own.environment, (gateway) => audited(gateway, doing, () => gateway.updateSync({ destination, audienceKey: audience }, 'retry', person)));
  answerSaid(json, said, { destination, audience_key: audience });
}

/** `headgate template`: what to paste into Customer.io, and whether it holds with people of every kind. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { namesFor, type EventContext } from '../../api/index.ts';
import { connectActions } from '../../config/connect-actions.ts';
import { identifyPerson } from '../../destinations/identify-person.ts';
import { EVENT_NAMES, type EventName } from '../../domain/event.ts';
import { ask } from '../headgate-api.ts';
import { loadOwnRegistry, pick, sandboxUrlOf, type OwnRegistry } from '../own-registry.ts';
import { table } from '../table.ts';
import { checkTemplate, type Rendered } from '../template/check-template.ts';
import { LIQUID_ENGINES, liquidBody, type BodyOptions, type LiquidEngine } from '../template/liquid-body.ts';
import { allBodies, attributesOf, REGIONS, webhookTemplate, type Region, type WebhookTemplate } from '../template/webhook-template.ts';
import { credentials, findSource } from './send.ts';

interface Options {
  event?: EventName;
  audience?: string;
  action?: string;
  exposure?: string;
  source?: string;
  attribute: Record<string, string>;
  profile: boolean;
  engine: LiquidEngine;
  region?: Region;
  publicUrl?: string;
  check?: boolean;
  file?: string;
  url?: string;
  json?: boolean;
}

const HELP = `
Exit status 1 when a template does not hold. docs/customerio.md goes through the whole set-up.`;

export function addTemplateCommand(program: Command): void {
  program
    .command('template')
    .description('Print what to paste into a webhook action of Customer.io, or check that it holds.')
    .option('--event <name>', `what the webhook says: ${EVENT_NAMES.join(', ')}, or the event of a workflow type`)
    .option('--audience <key>', 'the audience')
    .option('--action <key>', 'of cio.forward: the action')
    .option('--exposure <name>', 'of cio.exposure: what you call it, such as journey_entered')
    .option('--source <name>', 'the source (default: the only one)')
    .option('--attribute <name=path>', 'an attribute, and where Customer.io has it: event.cart_value, customer.plan, journey.step …; repeatable. Those that the action uses are put in by themselves', attribute, {})
    .option('--profile', 'also name, country, city …, which raise match rates', false)
    .addOption(new Option('--engine <engine>', "Customer.io's Liquid: latest for accounts since 2023-11-28").choices(LIQUID_ENGINES).default('latest'))
    .addOption(new Option('--region <region>', "where your Customer.io account is; for the addresses that it sends from (default: both)").choices(REGIONS))
    .option('--public-url <url>', 'where Headgate is reached from outside')
    .option('--check', 'render it with sample people and have the door judge what comes out')
    .option('--file <path>', 'with --check: this body instead of the printed one')
    .option('--url <url>', 'with --check: also post each to the Headgate that listens there, as a test that decides nothing')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(template);
}

const PATH = /^[a-z_]+(\.[A-Za-z_][\w-]*)*$/;

function attribute(given: string, collected: Record<string, string>): Record<string, string> {
  const [name = '', ...rest] = given.split('=');
  const path = rest.join('=');
  if (!/^[A-Za-z_][\w-]*$/.test(name) || !PATH.test(path)) throw new InvalidArgumentError('it must be name=path, such as cart_value=event.cart_value.');
  return { ...collected, [name]: path };
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function template(options: Options): Promise<void> {
  const own = await loadOwnRegistry();
  const bodies = bodiesOf(options, own);
  if (options.check) {
    await check(options, own, bodies);
    return;
  }
  const [only, ...others] = bodies;
  if (!only || others.length > 0) throw new Error(`Say --event: ${EVENT_NAMES.join(', ')} (or --check for all of them).`);
  const made = webhookTemplate({ ...only, source: findSource(own, options.source), publicUrl: options.publicUrl, regions: options.region === undefined ? REGIONS : [options.region] });
  print(options.json ? JSON.stringify(made) : describe(made));
}

/** One, or with no event all that headgate.yaml has a use for. */
function bodiesOf({ event, audience, action, exposure, attribute: attributes, profile, engine }: Options, own: OwnRegistry): BodyOptions[] {
  const { registry } = own;
  const actions = connectActions(registry, sandboxUrlOf(own));
  const usesOf = (name: string): readonly string[] => actions.get(name)?.uses ?? [];
  const more = { profile, engine, attributes };
  if (event === undefined) return allBodies(registry, usesOf, more);
  if (audience !== undefined) pick('audience', audience, registry.policies.audiences);
  if (action !== undefined) pick('action', action, registry.actions);
  const type = registry.policies.types?.get(event);
  if (type) return [{ event, audienceKey: audience, ...more, attributes: { ...attributesOf(Object.keys(type.example).map((name) => `attributes.${name}`)), ...attributes } }];
  if (!(EVENT_NAMES as readonly string[]).includes(event)) throw new Error(`There is no event ${event}; there are ${[...EVENT_NAMES, ...(registry.policies.types?.keys() ?? [])].join(', ')}.`);
  if (event === 'cio.forward') {
    if (action === undefined) throw new Error(`Say --action: headgate.yaml has ${[...registry.actions.keys()].join(', ') || 'none'}.`);
    return [{ event, action, audienceKey: audience, ...more, attributes: { ...attributesOf(usesOf(action)), ...attributes } }];
  }
  if (event !== 'cio.exposure' && audience === undefined) throw new Error(`Say --audience: headgate.yaml has ${[...registry.policies.audiences.keys()].join(', ')}.`);
  return [{ event, audienceKey: audience, exposure: event === 'cio.exposure' ? exposure : undefined, ...more }];
}

function describe({ method, url, headers, body, settings, notes, addresses }: WebhookTemplate): string {
  const list = (title: string, lines: readonly string[]): string => `${title}\n${lines.map((line, index) => `  ${String(index + 1)}. ${line}`).join('\n')}`;
  const allow = Object.entries(addresses).map(([region, found]) => `  ${region.toUpperCase()}: ${found.join(', ')}`);
  return [
    `${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', body, '',
    list('Settings', settings), '', list('Good to know', notes), '',
    'Addresses that Customer.io sends from, for a firewall that asks for them (never instead of the signature; the list grows)', ...allow,
  ].join('\n');
}

interface Checked {
  what: string;
  rendered: (Rendered & { answer?: string })[];
}

async function check(options: Options, own: OwnRegistry, bodies: readonly BodyOptions[]): Promise<void> {
  const { registry } = own;
  const source = findSource(own, options.source);
  const platforms = [...new Set([...registry.destinations.values()].map(({ platform }) => platform))];
  const context: EventContext = {
    source: source.name, people: source.people, phoneCountry: source.phoneCountry, receivedAt: Date.now(),
    ...namesFor(registry.policies, source.name), identify: (person) => identifyPerson(person, platforms),
  };
  const file = options.file === undefined ? undefined : await readFile(options.file, 'utf8');
  const checked: Checked[] = [];
  // Of all that there is, what the source may use.
  const allowed = bodies.filter(({ audienceKey, action }) => options.event !== undefined || ((audienceKey === undefined || context.hasAudience(audienceKey)) && (action === undefined || context.hasAction?.(action))));
  for (const one of file === undefined ? allowed : bodies.slice(0, 1)) {
    const paths = file === undefined ? Object.values(one.attributes) : pathsIn(file);
    const rendered = checkTemplate(file ?? liquidBody(one), { engine: options.engine, attributePaths: paths, context });
    const what = options.file ?? [one.event, one.audienceKey, one.action].filter(Boolean).join(' ');
    checked.push({ what, rendered: options.url === undefined ? rendered : await Promise.all(rendered.map((each) => post(each, `${options.url?.replace(/\/+$/, '') ?? ''}/v1/webhooks/${source.name}`, (body) => credentials(source, source.signingSecrets, body)))) });
  }
  const wrong = checked.flatMap(({ rendered }) => rendered.filter(({ problems }) => problems.length > 0));
  if (wrong.length > 0) process.exitCode = 1;
  print(options.json ? JSON.stringify({ ok: wrong.length === 0, templates: checked }) : describeChecks(checked, wrong.length));
}

/** Attributes that a file takes from the event, the journey or the trigger. */
const pathsIn = (file: string): string[] => [...new Set([...file.matchAll(/\b(?:event|journey|trigger)\.[A-Za-z_][\w-]*/g)].map(([path]) => path))];

/** Only what the own reading takes: what is wrong would be kept in the quarantine there. */
async function post(one: Rendered, url: string, sign: (body: string) => Record<string, string>): Promise<Rendered & { answer?: string }> {
  if (one.body === undefined || one.problems.length > 0) return one;
  const { status, body } = await ask(url, { method: 'POST', headers: { 'content-type': 'application/json', ...sign(one.body) }, body: one.body });
  const answer = `${String(status)} ${JSON.stringify(body)}`;
  const isTest = status === 200 && (body as { status?: unknown } | null)?.status === 'test';
  return { ...one, answer, problems: isTest ? [] : [`the running Headgate answers ${answer.slice(0, 200)}`] };
}

function describeChecks(checked: readonly Checked[], wrong: number): string {
  const rows = checked.flatMap(({ what, rendered }) => {
    const bad = rendered.filter(({ problems }) => problems.length > 0);
    if (bad.length === 0) return [['✓', what, `${String(rendered.length)} people, hostile ones included`, '']];
    return bad.map(({ person, problems }) => ['✗', what, person, problems.join('\n')]);
  });
  const many = checked.reduce((sum, { rendered }) => sum + rendered.length, 0);
  const verdict = wrong === 0 ? `All ${String(many)} bodies are understood.` : `${String(wrong)} of ${String(many)} bodies are not understood.`;
  return `${table(['', 'template', 'with', 'what is wrong'], rows, { dense: true, widths: { 'what is wrong': 60 } })}\n${verdict}`;
}

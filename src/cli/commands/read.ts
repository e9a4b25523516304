/** `headgate event | person | audience | audiences`: what became of things, as tables for people or JSON for programs. */
import type { Command } from 'commander';
import type { EventDetails, ForwardView, EventView, MembershipView, DeliveryView, PersonView } from '../../ledger/index.ts';
import { harmless } from '../harmless.ts';
import { readApi } from '../headgate-api.ts';
import { shown, table } from '../table.ts';
import { time } from '../time.ts';
import { describeCost, describeWatch, type CostAnswer, type WatchAnswer } from '../audience-watch.ts';

interface ReadOptions {
  url?: string;
  json?: boolean;
}

/** What JSON makes of a type whose times are dates. */
type Json<T> = T extends Date ? string : T extends (infer I)[] ? Json<I>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

interface AudienceAnswer {
  audience_key: string;
  description: string;
  owner: { name: string };
  window: string | null;
  excludes: string[];
  holdout: string;
  rearming: boolean;
  members_url: string | null;
  members: { in: number; out: number; holdout: number; former_window: number };
  targets: ({
    destination: string;
    mode: string | null;
    platform_audience_id: string;
    state: string;
    since: string | null;
    life: string;
    cause: string | null;
    cure: string | null;
    accepted: number;
    pending_adds: number;
    pending_removes: number;
    held_adds: number;
    held_removes: number;
    held_because: string | null;
    processing: number;
    match_rate: string | null;
    rejected: number;
    blocked: number;
    oldest_pending: string | null;
    last_success_at: string | null;
    workflow_url: string | null;
  } & WatchAnswer)[];
  /** Of one audience. */
  cost?: CostAnswer;
}

type PersonAnswer = Json<PersonView> & { workflows_url: string | null };

interface HeldAnswer {
  targets: {
    destination: string;
    because: string | null;
    adds: number;
    removes: number;
    members: { customer_id: string | null; person_id: string; operation: string; since: string; identifiers: { type: string; value: string | null }[] }[];
  }[];
}

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);
const withCommon = (command: Command): Command => command.option('--url <url>', 'where Headgate listens').option('--json', 'print JSON');

/** Returns the commands `audience` and `person`, for more of their kind. */
export function addReadCommands(program: Command): { audience: Command; person: Command } {
  withCommon(program.command('event').description('What became of an event.').argument('<event_id>')).action(
    async (eventId: string, options: ReadOptions) => {
      const answer = await readApi(`/v1/events/${encodeURIComponent(eventId)}`, options.url);
      print(options.json ? JSON.stringify(answer) : describeEvent(answer as EventAnswer));
    },
  );
  const person = withCommon(
    program
      .command('person')
      .description('Why a person is in which audience: memberships, platforms, timeline.')
      .option('--customer-id <id>', 'by your own id')
      .option('--email <address>', 'by e-mail')
      .option('--cio-id <id>', "by Customer.io's id")
      .option('--person-id <id>', "by Headgate's id"),
  );
  person.action(async (options: ReadOptions & { customerId?: string; email?: string; cioId?: string; personId?: string }, command: Command) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ customer_id: options.customerId, email: options.email, cio_id: options.cioId, person_id: options.personId })) {
      if (value !== undefined) query.set(name, value);
    }
    if (query.size !== 1) command.error('name the person by exactly one of --customer-id, --email, --cio-id and --person-id');
    const answer = (await readApi(`/v1/people?${query.toString()}`, options.url)) as { people: PersonAnswer[] };
    print(options.json ? JSON.stringify(answer) : answer.people.map(describePerson).join('\n\n'));
  });
  const audience = withCommon(program.command('audience').description('An audience: members, targets, what is stuck, what is held.').argument('<key>'))
    .option('--held', 'what would be sent to the platforms, if nothing were held')
    .option('--destination <name>', 'with --held: only there')
    .option('--limit <n>', 'with --held: how many people to show for each target')
    .action(readAudience);
  withCommon(program.command('audiences').description('All audiences at a glance.')).action(async (options: ReadOptions) => {
    const answer = (await readApi('/v1/audiences', options.url)) as { audiences: AudienceAnswer[] };
    print(options.json ? JSON.stringify(answer) : overview(answer.audiences));
  });
  withCommon(program.command('stuck').description('Every target that is not well: why, since when, and what to do.')).action(async (options: ReadOptions) => {
    const answer = (await readApi('/v1/audiences', options.url)) as { audiences: AudienceAnswer[]; stuck_syncs_url: string | null };
    const stuck = answer.audiences.flatMap(({ audience_key: audience, owner, targets }) => targets.filter(({ state }) => state !== 'ok').map((target) => ({ audience, owner: owner.name, ...target })));
    print(options.json ? JSON.stringify({ stuck, stuck_syncs_url: answer.stuck_syncs_url }) : describeStuck(stuck, answer.stuck_syncs_url));
  });
  return { audience, person };
}

type StuckTarget = AudienceAnswer['targets'][number] & { audience: string; owner: string };

function describeStuck(stuck: readonly StuckTarget[], url: string | null): string {
  const view = url === null ? '' : `\nTemporal UI: ${url}`;
  if (stuck.length === 0) return `Every target is well.${view}`;
  const lines = stuck.map((target) =>
    [
      `${target.destination}/${target.audience}  ${target.state} since ${time(target.since)} (${target.owner})`,
      `   Platform ${target.cause ?? '–'}`,
      `   To do    ${target.cure !== null && target.cure !== '' ? target.cure : target.state === 'paused' ? `headgate resume --destination ${target.destination} --audience ${target.audience}` : 'Nothing: it goes on by itself.'}`,
      `   Waiting  ${String(target.pending_removes)} removals, ${String(target.pending_adds)} adds, the oldest since ${time(target.oldest_pending)}`,
    ].join('\n'),
  );
  return `${lines.join('\n\n')}${view}`;
}

async function readAudience(key: string, { held, destination, limit, ...options }: ReadOptions & { held?: boolean; destination?: string; limit?: string }): Promise<void> {
  const path = `/v1/audiences/${encodeURIComponent(key)}`;
  if (held) {
    const query = new URLSearchParams({ ...(destination === undefined ? {} : { destination }), ...(limit === undefined ? {} : { limit }) });
    const answer = await readApi(`${path}/held?${query.toString()}`, options.url);
    print(options.json ? JSON.stringify(answer) : describeHeld(answer as HeldAnswer));
    return;
  }
  const answer = await readApi(path, options.url);
  print(options.json ? JSON.stringify(answer) : describeAudience(answer as AudienceAnswer));
}

type EventAnswer = Json<EventDetails> & { forward: Json<ForwardView> | null; workflow_url: string | null };

function describeEvent(event: EventAnswer): string {
  const facts = [
    ['event', nameOf(event)],
    ['source', event.source],
    ['audience', event.audience_key],
    ['person', event.person_id],
    ['happened', time(event.occurred_at) + (event.claimed_at ? ` (the body said ${time(event.claimed_at)}, too far ahead)` : '')],
    ['received', time(event.received_at)],
    ['decided', `${event.status}${event.audience ? `: ${event.audience}` : ''}${event.until ? ` until ${time(event.until)}` : ''}`],
    ['now', event.membership ? `${event.membership.state} (${event.membership.reason})` : '–'],
    ...(event.forward ? describeForward(event.forward) : []),
    ['workflow', event.workflow_url],
  ];
  const platforms = event.deliveries.length === 0 ? '' : `\n${deliveries(event.deliveries)}`;
  return `${table(['', event.event_id], facts)}${platforms}`;
}

/** How far it is on its way to its action. */
function describeForward({ action, state, attempts, settled_at: settledAt, next_try_at: nextAt, status, answer, reason }: Json<ForwardView>): [string, string | null][] {
  const tries = `${String(attempts)} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  const when = settledAt === null ? (nextAt === null ? '' : `, next at ${time(nextAt)}`) : ` at ${time(settledAt)}`;
  return [
    ['action', `${action}: ${state}${when}, ${tries}`],
    ...(reason === null ? [] : [['because', reason] as [string, string]]),
    ...(answer === null || answer === '' ? [] : [['answer', `${status === null ? '' : `HTTP ${String(status)}: `}${answer.slice(0, SHOWN_ANSWER)}`] as [string, string]]),
  ];
}
const SHOWN_ANSWER = 300;

/** A report says what was reported, an exposure what it is called. */
const nameOf = ({ name, channel, metric }: Json<EventView>): string => (metric === null ? name : `${channel ?? name} ${metric}`);

function describePerson(person: PersonAnswer): string {
  const ids = [
    ['customer_id', person.customer_id],
    ['cio_id', person.cio_ids.join(', ')],
    ['e-mail (SHA-256)', person.email_hashes.map((hash) => `${hash.slice(0, 12)}…`).join(', ')],
    ['known since', time(person.created_at)],
  ];
  return [
    table(['', person.person_id], ids),
    'Memberships',
    memberships(person.memberships),
    'Platforms',
    deliveries(person.deliveries),
    'Timeline, the newest first',
    timeline(person.events),
    ...(person.workflows_url === null ? [] : [`Workflows: ${person.workflows_url}`]),
  ].join('\n');
}

const memberships = (rows: Json<MembershipView>[]): string =>
  table(
    ['audience', 'state', 'because', 'since', 'until', 'decided by'],
    rows.map((row) => [row.audience_key, row.state, row.reason, time(row.occurred_at), row.state === 'in' ? time(row.expires_at) : '–', row.event_id]),
  );

const deliveries = (rows: Json<DeliveryView>[]): string =>
  table(
    ['audience', 'destination', 'wanted', 'platform', 'reason', 'settled'],
    rows.map((row) => [row.audience_key, row.destination, row.wanted, row.status, row.reason, time(row.settled_at)]),
  );

const timeline = (rows: Json<EventView>[]): string =>
  table(
    ['happened', 'event', 'audience', 'decided', 'event_id'],
    rows.map((row) => [time(row.occurred_at), nameOf(row), row.audience_key, row.status, row.event_id]),
  );

function describeAudience(audience: AudienceAnswer): string {
  const former = audience.members.former_window;
  const facts = [
    ['description', audience.description],
    ['owner', audience.owner.name],
    ['window', `${audience.window ?? 'none'}${former === 0 ? '' : `; ${String(former)} members still have another: headgate audience rewindow ${audience.audience_key}`}`],
    ['excludes', audience.excludes.join(', ')],
    ['holdout', `${audience.holdout}${audience.rearming ? '; members are being moved to the arm that it gives' : ''}`],
    ['members', `${String(audience.members.in)} in, ${String(audience.members.out)} out${audience.members.holdout > 0 ? `, ${String(audience.members.holdout)} held out` : ''}`],
  ];
  const parts = [table(['', audience.audience_key], facts), targets(audience)];
  for (const target of audience.targets) {
    if (target.state === 'ok' || target.cause === null) continue;
    parts.push(`${target.destination} is ${target.state}: ${target.cause}`);
    if (target.cure) parts.push(`  What to do: ${target.cure}`);
    if (target.workflow_url) parts.push(`  ${target.workflow_url}`);
  }
  parts.push(...audience.targets.flatMap((target) => describeWatch(target.destination, target)));
  if (audience.cost) parts.push(describeCost(audience.cost));
  if (audience.members_url !== null) parts.push(`In it now: ${audience.members_url}`);
  return parts.join('\n');
}

const targets = (audience: AudienceAnswer): string =>
  table(
    ['target', 'id', 'state', 'accepted', 'pending', 'held', 'processing', 'rejected', 'blocked', 'match rate', 'last success'],
    audience.targets.map((target) => [
      `${target.destination}${target.mode === 'live' ? '' : ` (${shown(target.mode)})`}`,
      target.platform_audience_id,
      target.life === 'active' ? target.state : target.life,
      target.accepted,
      `${String(target.pending_adds)} adds, ${String(target.pending_removes)} removals`,
      target.held_adds + target.held_removes === 0 ? '' : `${String(target.held_adds)} adds, ${String(target.held_removes)} removals: ${target.held_because ?? ''}`,
      target.processing,
      target.rejected,
      target.blocked,
      target.match_rate,
      time(target.last_success_at),
    ]),
  );

function describeHeld({ targets }: HeldAnswer): string {
  return targets
    .map(({ destination, because, adds, removes, members }) => {
      const counts = because === null ? `${destination} holds nothing.` : `${destination} holds ${String(adds)} adds and ${String(removes)} removals, because ${because}.`;
      const shown = members.length < adds + removes ? `\nThe oldest ${String(members.length)} of them:` : '';
      const rows = members.map((member) => [member.customer_id ?? member.person_id, member.operation, member.identifiers.map(({ type, value }) => `${type}${value === null ? '' : ` ${value.slice(0, 12)}…`}`).join('\n'), time(member.since)]);
      return members.length === 0 ? counts : `${counts}${shown}\n${table(['person', 'operation', 'would be sent', 'since'], rows)}`;
    })
    .join('\n\n');
}

const overview = (audiences: AudienceAnswer[]): string =>
  table(
    ['audience', 'in', 'window', 'targets'],
    audiences.map((audience) => [
      audience.audience_key,
      audience.members.in,
      audience.window ?? 'none',
      audience.targets.map((target) => `${target.destination}: ${target.state}`).join(', '),
    ]),
  );

/** `headgate event | person | audience | audiences`: what became of things, as tables for people or JSON for programs. */
import type { Command } from 'commander';
import type { EventDetails, EventView, MembershipView, DeliveryView, PersonView } from '../../ledger/index.ts';
import { readApi } from '../headgate-api.ts';
import { shown, table } from '../table.ts';

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
  members: { in: number; out: number; holdout: number };
  targets: {
    destination: string;
    mode: string | null;
    platform_audience_id: string;
    state: string;
    cause: string | null;
    cure: string | null;
    accepted: number;
    pending_adds: number;
    pending_removes: number;
    processing: number;
    match_rate: string | null;
    rejected: number;
    blocked: number;
    oldest_pending: string | null;
    last_success_at: string | null;
    workflow_url: string | null;
  }[];
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const withCommon = (command: Command): Command => command.option('--url <url>', 'where Headgate listens').option('--json', 'print JSON');

export function addReadCommands(program: Command): void {
  withCommon(program.command('event').description('What became of an event.').argument('<event_id>')).action(
    async (eventId: string, options: ReadOptions) => {
      const answer = await readApi(`/v1/events/${encodeURIComponent(eventId)}`, options.url);
      print(options.json ? JSON.stringify(answer) : describeEvent(answer as Json<EventDetails> & { workflow_url: string | null }));
    },
  );
  withCommon(
    program
      .command('person')
      .description('Why a person is in which audience: memberships, platforms, timeline.')
      .option('--customer-id <id>', 'by your own id')
      .option('--email <address>', 'by e-mail')
      .option('--cio-id <id>', "by Customer.io's id")
      .option('--person-id <id>', "by Headgate's id"),
  ).action(async (options: ReadOptions & { customerId?: string; email?: string; cioId?: string; personId?: string }) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ customer_id: options.customerId, email: options.email, cio_id: options.cioId, person_id: options.personId })) {
      if (value !== undefined) query.set(name, value);
    }
    const answer = (await readApi(`/v1/people?${query.toString()}`, options.url)) as { people: Json<PersonView>[] };
    print(options.json ? JSON.stringify(answer) : answer.people.map(describePerson).join('\n\n'));
  });
  withCommon(program.command('audience').description('An audience: members, targets, what is stuck.').argument('<key>')).action(
    async (key: string, options: ReadOptions) => {
      const answer = await readApi(`/v1/audiences/${encodeURIComponent(key)}`, options.url);
      print(options.json ? JSON.stringify(answer) : describeAudience(answer as AudienceAnswer));
    },
  );
  withCommon(program.command('audiences').description('All audiences at a glance.')).action(async (options: ReadOptions) => {
    const answer = (await readApi('/v1/audiences', options.url)) as { audiences: AudienceAnswer[] };
    print(options.json ? JSON.stringify(answer) : overview(answer.audiences));
  });
}

const time = (iso: string | null | undefined): string => (iso ? `${iso.slice(0, 19).replace('T', ' ')} UTC` : '–');

function describeEvent(event: Json<EventDetails> & { workflow_url: string | null }): string {
  const facts = [
    ['event', event.name],
    ['source', event.source],
    ['audience', event.audience_key],
    ['person', event.person_id],
    ['happened', time(event.occurred_at) + (event.claimed_at ? ` (the body said ${time(event.claimed_at)}, too far ahead)` : '')],
    ['received', time(event.received_at)],
    ['decided', `${event.status}${event.audience ? `: ${event.audience}` : ''}${event.until ? ` until ${time(event.until)}` : ''}`],
    ['now', event.membership ? `${event.membership.state} (${event.membership.reason})` : '–'],
    ['workflow', event.workflow_url],
  ];
  const platforms = event.deliveries.length === 0 ? '' : `\n${deliveries(event.deliveries)}`;
  return `${table(['', event.event_id], facts)}${platforms}`;
}

function describePerson(person: Json<PersonView>): string {
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
    rows.map((row) => [time(row.occurred_at), row.name, row.audience_key, row.status, row.event_id]),
  );

function describeAudience(audience: AudienceAnswer): string {
  const facts = [
    ['description', audience.description],
    ['owner', audience.owner.name],
    ['window', audience.window ?? 'none'],
    ['excludes', audience.excludes.join(', ')],
    ['members', `${String(audience.members.in)} in, ${String(audience.members.out)} out${audience.members.holdout > 0 ? `, ${String(audience.members.holdout)} held out` : ''}`],
  ];
  const parts = [table(['', audience.audience_key], facts), targets(audience)];
  for (const target of audience.targets) {
    if (target.state === 'ok' || target.cause === null) continue;
    parts.push(`${target.destination} is ${target.state}: ${target.cause}`);
    if (target.cure) parts.push(`  What to do: ${target.cure}`);
    if (target.workflow_url) parts.push(`  ${target.workflow_url}`);
  }
  return parts.join('\n');
}

const targets = (audience: AudienceAnswer): string =>
  table(
    ['target', 'id', 'state', 'accepted', 'pending', 'processing', 'rejected', 'blocked', 'match rate', 'last success'],
    audience.targets.map((target) => [
      `${target.destination}${target.mode === 'live' ? '' : ` (${shown(target.mode)})`}`,
      target.platform_audience_id,
      target.state,
      target.accepted,
      `${String(target.pending_adds)} adds, ${String(target.pending_removes)} removals`,
      target.processing,
      target.rejected,
      target.blocked,
      target.match_rate,
      time(target.last_success_at),
    ]),
  );

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

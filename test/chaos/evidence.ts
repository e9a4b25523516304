/** What the auditor looks at, read once everything is at rest: the ledger, Temporal, the platforms' stand-ins, and every text that must not hold an e-mail. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import pg from 'pg';
import type { SandboxState } from '../../src/sandbox/index.ts';
import type { Disturbance } from './monkey.ts';
import type { Fleet } from './fleet.ts';
import { Random } from './random.ts';
import type { Attempt } from './sender.ts';
import { EMAIL_DOMAIN, PHONE_PREFIX, type TrafficPlan } from './traffic-plan.ts';

export interface EventRow {
  event_id: string;
  name: string;
  audience_key: string | null;
  person_id: string | null;
  occurred_at: Date;
  received_at: Date;
  claimed_at: Date | null;
  status: string;
  until: Date | null;
  applied_at: Date;
}
export interface ExposureRow {
  event_id: string;
  name: string;
  person_id: string | null;
  customer_id: string | null;
  audience_key: string | null;
  occurred_at: Date;
  status: string;
  campaign_id: string | null;
  journey_id: string | null;
}
export interface MembershipRow {
  person_id: string;
  audience_key: string;
  state: 'in' | 'out';
  reason: string;
  occurred_at: Date;
  removal: boolean;
  event_id: string;
  expires_at: Date | null;
  arm: 'treatment' | 'holdout';
  updated_at: Date;
}
export interface DeliveryRow {
  person_id: string;
  destination: string;
  audience_key: string;
  wanted: 'in' | 'out';
  status: string;
  reason: string | null;
}
export interface PushRow {
  destination: string;
  audience_key: string;
  operation: 'add' | 'remove';
  person_ids: string[];
  started_at: Date;
  finished_at: Date | null;
  outcome: string | null;
}
interface PersonRow {
  person_id: string;
  merged_into: string | null;
}
interface AliasRow {
  kind: string;
  value: string;
  person_id: string;
}
interface QuarantineRow {
  reason: string;
  event_id: string | null;
  body: string;
}
interface TargetRow {
  destination: string;
  audience_key: string;
  state: string;
  cause: string | null;
}

export interface LedgerEvidence {
  /** The ledger's clock at the reading, in milliseconds since the epoch. */
  now: number;
  events: EventRow[];
  exposures: ExposureRow[];
  memberships: MembershipRow[];
  deliveries: DeliveryRow[];
  pushes: PushRow[];
  persons: PersonRow[];
  aliases: AliasRow[];
  quarantine: QuarantineRow[];
  targets: TargetRow[];
}

export interface WorkflowEvidence {
  id: string;
  type: string;
  /** `COMPLETED`, `RUNNING` … */
  status: string;
}

/** A text that was searched, and what it holds that it must not. */
export interface SearchedText {
  where: string;
  found: string[];
}

export interface Evidence {
  plan: TrafficPlan;
  /** Milliseconds since the epoch. */
  beganAt: number;
  mendedAt: number;
  attempts: readonly Attempt[];
  disturbances: readonly Disturbance[];
  /** What was still to do when waiting for rest was given up; empty when it came. */
  unrest: readonly string[];
  ledger: LedgerEvidence;
  /** Of events; one for each run. */
  workflows: WorkflowEvidence[];
  /** `destination/platform's audience id` to e-mail hashes. */
  members: ReadonlyMap<string, ReadonlySet<string>>;
  texts: SearchedText[];
}

const SAMPLED_HISTORIES = 120;

export async function readLedger(url: string): Promise<LedgerEvidence> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const all = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => (await client.query<Row>(text)).rows;
  try {
    // One view of everything, as of one moment.
    await client.query('begin isolation level repeatable read');
    const [clock] = await all<{ now: Date }>('select clock_timestamp() as now');
    return {
      now: clock?.now.getTime() ?? 0,
      events: await all<EventRow>('select * from events'),
      exposures: await all<ExposureRow>('select * from exposures where caused_by is null'),
      memberships: await all<MembershipRow>('select * from memberships'),
      deliveries: await all<DeliveryRow>('select * from deliveries'),
      pushes: await all<PushRow>('select * from pushes order by started_at'),
      persons: await all<PersonRow>('select person_id, merged_into from persons'),
      aliases: await all<AliasRow>('select kind, value, person_id from person_identifiers'),
      quarantine: await all<QuarantineRow>('select reason, event_id, body from quarantine'),
      targets: await all<TargetRow>('select * from targets'),
    };
  } finally {
    await client.end();
  }
}

export async function listWorkflows(client: Client): Promise<WorkflowEvidence[]> {
  const listed: WorkflowEvidence[] = [];
  for await (const one of client.workflow.list({ query: "WorkflowType in ('audienceAdd', 'audienceRemove', 'exposure')", pageSize: 1_000 })) {
    listed.push({ id: one.workflowId, type: one.type, status: one.status.name });
  }
  return listed;
}

export async function readMembers(sandboxUrl: string): Promise<Map<string, Set<string>>> {
  const { destinations } = (await (await fetch(`${sandboxUrl}/_sandbox/state`)).json()) as SandboxState;
  return new Map(
    Object.entries(destinations).flatMap(([destination, { audiences }]) => Object.entries(audiences).map(([id, { hashes }]) => [`${destination}/${id}`, new Set(hashes)] as const)),
  );
}

/** E-mails of the traffic, and its phones in any form; what stands before them tells them from digits of an id. */
const RAW = new RegExp(`[\\w.%+-]+@${EMAIL_DOMAIN.replaceAll('.', '\\.')}|(?<![0-9a-z_.-])\\+?1?${PHONE_PREFIX.slice(2)}2\\d{6}(?![0-9a-z])`, 'gi');

/** What a text holds that must have stopped at the door. */
export const findRaw = (text: string): string[] => [...new Set(text.match(RAW))];

const search = (where: string, text: string): SearchedText => ({ where, found: findRaw(text) });

/** Searches every row of the ledger, histories of Temporal, and what the processes have said. */
export async function searchTexts(fleet: Fleet, client: Client, workflows: readonly WorkflowEvidence[], seed: string): Promise<SearchedText[]> {
  const logs = (await readdir(fleet.folder)).filter((file) => file.endsWith('.log'));
  return [
    ...(await searchLedger(fleet.databaseUrl())),
    ...(await searchHistories(client, workflows, seed)),
    ...(await Promise.all(logs.map(async (file) => search(`log ${file}`, await readFile(join(fleet.folder, file), 'utf8'))))),
    ...(await Promise.all(fleet.apiUrls.map(async (url, index) => search(`metrics of api ${String(index + 1)}`, await (await fetch(`${url}/metrics`)).text())))),
  ];
}

async function searchLedger(url: string): Promise<SearchedText[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: tables } = await client.query<{ tablename: string }>("select tablename from pg_tables where schemaname = 'public'");
  const texts: SearchedText[] = [];
  for (const { tablename } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${tablename} t`);
    texts.push(...rows.map(({ row }) => search(`ledger, ${tablename}`, row)));
  }
  await client.end();
  return texts;
}

async function searchHistories(client: Client, workflows: readonly WorkflowEvidence[], seed: string): Promise<SearchedText[]> {
  const random = new Random(seed).fork('histories');
  const ids = new Set(Array.from({ length: Math.min(SAMPLED_HISTORIES, workflows.length) }, () => random.pick(workflows).id));
  for await (const { workflowId } of client.workflow.list({ query: "WorkflowType in ('lifeboat', 'audienceSync')" })) {
    if (ids.size < 2 * SAMPLED_HISTORIES) ids.add(workflowId);
  }
  const texts: SearchedText[] = [];
  for (const id of ids) {
    const history = await client.workflow.getHandle(id).fetchHistory();
    // JSON shows the bytes of a payload as base64: read them as text.
    const readable = (key: string, value: unknown): unknown => (key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value);
    texts.push(search(`history of ${id}`, JSON.stringify(history, readable)));
  }
  return texts;
}

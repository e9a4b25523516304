/** What a process does with its registry before it serves anything: compares it with what the ledger remembers, and remembers it. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Actor, AuditEntry } from '../domain/audit.ts';
import { isOver, type AudienceLife, type TargetLife } from '../domain/holding.ts';
import { compareRegistry, describeRefusal, type KnownRegistry, type KnownTarget, type Refusal, type RegistryChanges } from '../domain/registry-change.ts';
import { sharesOf, type HoldoutShares } from '../domain/holdout.ts';
import type { Policies, Target, TargetRef } from '../domain/registry.ts';
import { insertAudit } from './audit.ts';

/** Any number; the same in every process. */
const ADOPTION_LOCK = 4_837_205;

export interface Adoption {
  /** Not empty: nothing was changed, and the process must not start. */
  refusals: Refusal[];
  changes: RegistryChanges;
}

/** For the audit log: the process that brings the registry, and what tells registries apart. */
export interface AdoptedBy {
  actor: Actor;
  registryHash: string;
}

/** Processes that start at once take turns. Safe to repeat. @param by absent: nothing is written down */
export async function adoptRegistry(url: string, policies: Policies, by?: AdoptedBy): Promise<Adoption> {
  const client = new pg.Client({ connectionString: url });
  // A connection that the server ends fails the query that it carries; the same news as an event would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('begin');
    await client.query('select pg_advisory_xact_lock($1)', [ADOPTION_LOCK]);
    const changes = compareRegistry(await readKnown(client), policies);
    const refusals = await findRefusals(client, changes);
    if (refusals.length === 0) await remember(client, changes);
    if (refusals.length > 0) await client.query('rollback; begin');
    if (by) await noteAdoption(client, by, { refusals, changes });
    await client.query('commit');
    return { refusals, changes };
  } finally {
    await client.end();
  }
}

/** Once for each registry, not for each process that starts with it; in the transaction that makes the ledger know it. */
async function noteAdoption(client: pg.Client, { actor, registryHash }: AdoptedBy, { refusals, changes }: Adoption): Promise<void> {
  const outcome: AuditEntry['outcome'] = refusals.length === 0 ? 'done' : 'refused';
  const { rows } = await client.query<{ registry: string; outcome: string }>("select detail ->> 'registry' as registry, outcome from audit where action = 'registry.adopt' order by audit_id desc limit 1");
  if (rows[0]?.registry === registryHash && rows[0].outcome === outcome) return;
  const counts = Object.entries(changes as unknown as Record<string, readonly unknown[]>).map(([name, found]) => [name, found.length] as const).filter(([, count]) => count > 0);
  const detail = { registry: registryHash, ...Object.fromEntries(counts), ...(refusals.length > 0 ? { refusals: refusals.map(describeRefusal) } : {}) };
  await insertAudit(client, [{ ...actor, actionId: randomUUID(), action: 'registry.adopt', subject: 'headgate.yaml', outcome, detail }]);
}

async function readKnown(client: pg.Client): Promise<KnownRegistry> {
  const targets = await client.query<{ destination: string; audience_key: string; platform_audience_id: string | null; life: TargetLife }>(
    'select destination, audience_key, platform_audience_id, life from targets order by audience_key, destination',
  );
  const audiences = await client.query<{ audience_key: string; window_ms: number | null; window_since: Date | null; holdout: HoldoutShares | null; life: AudienceLife }>(
    'select audience_key, window_ms::float8, window_since, holdout, life from audiences order by audience_key',
  );
  return {
    targets: targets.rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key, platformAudienceId: row.platform_audience_id, life: row.life })),
    audiences: audiences.rows.map((row) => ({ key: row.audience_key, windowMs: row.window_since === null ? undefined : row.window_ms, shares: row.holdout ?? undefined, life: row.life })),
  };
}

/** What is taken away with people in it. An audience that is refused itself stands for its targets. */
async function findRefusals(client: pg.Client, { missingAudiences, missingTargets, movedTargets }: RegistryChanges): Promise<Refusal[]> {
  const audiences: Refusal[] = [];
  const told = new Set<string>();
  for (const { key, life } of missingAudiences) {
    const people = await countMembers(client, key);
    if (people === 0) continue;
    told.add(key);
    audiences.push({ kind: 'audience', key, life, people });
  }
  const targets: Refusal[] = [];
  for (const target of missingTargets) {
    const people = told.has(target.audienceKey) ? 0 : await countPeople(client, target);
    if (people > 0) targets.push({ kind: 'target', target, people });
  }
  for (const { target, known } of movedTargets) {
    const people = await countPeople(client, known);
    if (people > 0) targets.push({ kind: 'target', target: known, people, movedTo: target.platformAudienceId });
  }
  return [...audiences, ...targets];
}

async function countMembers(client: pg.Client, audienceKey: string): Promise<number> {
  const { rows } = await client.query<{ people: number }>("select count(*)::int as people from memberships where audience_key = $1 and state = 'in'", [audienceKey]);
  return rows[0]?.people ?? 0;
}

/** People who are in the platform's audience or may be; nobody is where no call was ever made, or what is there was given up. */
async function countPeople(client: pg.Client, { destination, audienceKey, life }: KnownTarget): Promise<number> {
  if (isOver(life)) return 0;
  const { rows } = await client.query<{ people: number }>(
    `select count(*)::int as people from deliveries
     where destination = $1 and audience_key = $2 and (accepted = 'in' or status in ('pending', 'processing', 'blocked', 'held'))
       and (exists (select 1 from pushes where destination = $1 and audience_key = $2)
            or exists (select 1 from targets where destination = $1 and audience_key = $2 and last_success_at is not null))`,
    [destination, audienceKey],
  );
  return rows[0]?.people ?? 0;
}

async function remember(client: pg.Client, changes: RegistryChanges): Promise<void> {
  for (const target of changes.newTargets) await rememberTarget(client, target);
  for (const target of changes.namedTargets) {
    await client.query('update targets set platform_audience_id = $3 where destination = $1 and audience_key = $2', [...keyOf(target), target.platformAudienceId]);
  }
  for (const { target } of changes.movedTargets) {
    await rememberTarget(client, target);
    // What the old one refused was never in it; the new one may take it.
    await client.query(
      `update deliveries set status = 'pending', revision = revision + 1, reason = null, batch = null, pending_since = clock_timestamp()
       where destination = $1 and audience_key = $2 and wanted = 'in' and status = 'rejected'`,
      keyOf(target),
    );
  }
  for (const target of changes.missingTargets) {
    await client.query(
      `update targets set life = case life when 'retiring' then 'retired' else 'absent' end, life_since = clock_timestamp(), fill = 'due'
       where destination = $1 and audience_key = $2`,
      keyOf(target),
    );
  }
  for (const { key, windowMs } of [...changes.newAudiences, ...changes.movedWindows.map(({ audience }) => audience)]) {
    await client.query(
      `insert into audiences (audience_key, window_ms, window_since) values ($1, $2, clock_timestamp())
       on conflict (audience_key) do update set window_ms = excluded.window_ms, window_since = excluded.window_since`,
      [key, windowMs],
    );
  }
  for (const { audience } of changes.movedShares) {
    await client.query("update audiences set holdout = $2, rearm_after = '', rearm_alone = false where audience_key = $1", [audience.key, JSON.stringify(sharesOf(audience))]);
  }
  for (const { key } of changes.missingAudiences) await client.query('delete from audiences where audience_key = $1', [key]);
}

const keyOf = ({ destination, audienceKey }: TargetRef): string[] => [destination, audienceKey];

/** A target that starts empty, and is to be filled. */
async function rememberTarget(client: pg.Client, target: Target): Promise<void> {
  await client.query(
    `insert into targets (destination, audience_key, platform_audience_id, life_since) values ($1, $2, $3, clock_timestamp())
     on conflict (destination, audience_key) do update set platform_audience_id = excluded.platform_audience_id, life = 'active', life_since = excluded.life_since,
       fill = 'due', last_success_at = null, match_rate = null`,
    [...keyOf(target), target.platformAudienceId],
  );
}

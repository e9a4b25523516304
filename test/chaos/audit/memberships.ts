/** Promises 3 and 5: the ledger says of everybody what the oracle says, and windows ended when they should. */
import { createHash } from 'node:crypto';
import { AUDIENCES, type ChaosAudience } from '../audiences.ts';
import type { MembershipRow } from '../evidence.ts';
import type { Disturbance } from '../monkey.ts';
import { isIn, verdictOf, type Group, type Verdict } from '../oracle.ts';
import type { Case } from './case.ts';
import type { Findings } from './findings.ts';

/** The sweep comes each minute and ends what nobody else has ended; some room for a busy machine. Milliseconds. */
const LATEST_MS = 75_000;

export function auditMemberships(file: Case, findings: Findings): void {
  const rows = new Map(file.evidence.ledger.memberships.map((row) => [`${row.person_id} ${row.audience_key}`, row]));
  const expected = new Set<string>();
  auditPersons(file, findings);
  for (const group of file.groups) {
    const person = file.personOf(group);
    for (const audience of AUDIENCES) {
      const verdict = verdictOf(group, audience, AUDIENCES);
      if (!verdict) continue;
      const key = `${person ?? ''} ${audience.key}`;
      expected.add(key);
      const row = rows.get(key);
      findings.check(3, whyWrong(file, group, audience, verdict, row));
      if (row?.event_id === verdict.eventId) auditWindow(file, findings, group, verdict, row);
    }
  }
  for (const [key, row] of rows) if (!expected.has(key)) findings.blame(3, `person ${row.person_id} is ${row.state} ${row.audience_key}, which no event says`);
}

/** Events that belong together have one person, and others have another. */
function auditPersons({ groups, personOf, survivorOf, taken, groupOf }: Case, findings: Findings): void {
  const owners = new Map<string, Group>();
  for (const group of groups) {
    const person = personOf(group);
    if (person === undefined) continue;
    const other = owners.get(person);
    findings.check(3, other && `${group.name} and ${other.name} are one person in the ledger (${person})`);
    owners.set(person, group);
  }
  for (const { eventId = '', row } of taken) {
    const group = groupOf.get(eventId);
    const person = group && personOf(group);
    if (!row?.person_id || person === undefined) continue;
    findings.check(3, survivorOf(row.person_id) !== person && `event ${eventId} belongs to ${group?.name ?? ''} (${person}), and the ledger gave it to ${row.person_id}`);
  }
}

const describe = ({ removal, eventId, occurredAt, expiresAt }: Verdict): string =>
  `${removal ? 'out' : 'in'} by ${eventId} of ${new Date(occurredAt).toISOString()}${expiresAt === null ? '' : ` until ${new Date(expiresAt).toISOString()}`}`;

function whyWrong(file: Case, { name }: Group, { key, holdout }: ChaosAudience, verdict: Verdict, row: MembershipRow | undefined): string | undefined {
  const should = `${name} should be ${describe(verdict)} in ${key}`;
  if (!row) return `${should}, and the ledger knows nothing of it`;
  const is: Verdict = { eventId: row.event_id, occurredAt: row.occurred_at.getTime(), removal: row.removal, expiresAt: row.expires_at?.getTime() ?? null };
  if (is.eventId !== verdict.eventId || is.occurredAt !== verdict.occurredAt || is.removal !== verdict.removal || is.expiresAt !== verdict.expiresAt) return `${should}, and the ledger says ${describe(is)}`;
  if (verdict.removal && row.state !== 'out') return `${should}, and the ledger says ${row.state}`;
  const arms = [row.person_id, ...file.evidence.ledger.persons.flatMap((person) => (person.merged_into === row.person_id ? [person.person_id] : []))].map((person) => armOf(key, person, holdout));
  return arms.includes(row.arm) ? undefined : `${name} is of the ${row.arm} arm of ${key}, and should be of the other`;
}

/** As an analyst would compute it: docs say the first 32 bits of md5 of audience and person. */
function armOf(audienceKey: string, personId: string, holdout: number): 'treatment' | 'holdout' {
  const position = createHash('md5').update(`${audienceKey}:${personId}`).digest().readUInt32BE(0) / 2 ** 32;
  return position < holdout ? 'holdout' : 'treatment';
}

/** Only of memberships whose window is the one that the oracle expects. */
function auditWindow({ evidence, taken }: Case, findings: Findings, group: Group, verdict: Verdict, row: MembershipRow): void {
  const { expiresAt } = verdict;
  if (verdict.removal) return;
  const { now } = evidence.ledger;
  const should = `${group.name} in ${row.audience_key}, by ${verdict.eventId},`;
  if (isIn(verdict, now)) {
    findings.check(5, row.state !== 'in' && `${should} was let go ${expiresAt === null ? 'without a window' : `${inSeconds(expiresAt - now)} too early or more`}`);
    return;
  }
  const end = expiresAt ?? 0;
  if (row.state === 'in') {
    findings.check(5, `${should} is still in ${inSeconds(now - end)} after the end of the window`);
    return;
  }
  const event = taken.find(({ eventId }) => eventId === verdict.eventId)?.row;
  if (event?.status === 'expired') {
    findings.check(5, event.received_at.getTime() < end && `${should} counted as over ${inSeconds(end - event.received_at.getTime())} before its end`);
    return;
  }
  const ended = row.updated_at.getTime();
  if (ended < end) {
    findings.check(5, `${should} was let go ${inSeconds(end - ended)} too early`);
    return;
  }
  // A merge writes the row anew, and hides when the window ended.
  if (group.linked) return;
  const from = Math.max(end, event?.applied_at.getTime() ?? 0);
  const late = ended - from - disturbedMs(evidence.disturbances, from, ended);
  findings.check(5, late > LATEST_MS && `${should} was let go ${inSeconds(late)} too late`);
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** How long something was wrong between two moments. */
export function disturbedMs(disturbances: readonly Disturbance[], from: number, to: number): number {
  let covered = from;
  let sum = 0;
  for (const one of disturbances.toSorted((a, b) => a.from - b.from)) {
    const [start, end] = [Math.max(covered, one.from), Math.min(to, one.to)];
    if (end <= start) continue;
    sum += end - start;
    covered = end;
  }
  return sum;
}

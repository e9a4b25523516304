/** Promises 3, 6, 7 and 8 at the platforms: everybody is there who should be and nobody else, whatever failed on the way. */
import { AUDIENCES, TARGETS, type ChaosTarget } from '../audiences.ts';
import type { DeliveryRow, PushRow } from '../evidence.ts';
import { isIn, verdictOf, type Group } from '../oracle.ts';
import { sha256, type Case } from './case.ts';
import type { Findings } from './findings.ts';

export function auditPlatforms(file: Case, findings: Findings): void {
  const { ledger, unrest, workflows } = file.evidence;
  for (const words of unrest) findings.blame(6, `not at rest: ${words}`);
  for (const { destination, audience_key: audience, state, cause } of ledger.targets) if (state !== 'ok') findings.blame(6, `the sync of ${destination}/${audience} says ${state}: ${cause ?? 'no cause'}`);
  for (const { id, type, status } of workflows) if (status !== 'RUNNING' && status !== 'COMPLETED') findings.blame(6, `workflow ${id} (${type}) ended as ${status}`);
  for (const target of TARGETS) auditTarget(file, findings, target);
  auditOpenWorkflows(file, findings);
}

interface Member {
  group: Group;
  person: string | undefined;
  wanted: boolean;
  delivery: DeliveryRow | undefined;
}

function auditTarget(file: Case, findings: Findings, target: ChaosTarget): void {
  const { destination, audience, platformAudienceId } = target;
  const { ledger, members: membersAt } = file.evidence;
  const here = (row: { destination: string; audience_key: string }): boolean => row.destination === destination && row.audience_key === audience.key;
  const deliveries = new Map(ledger.deliveries.filter(here).map((row) => [row.person_id, row]));
  const arms = new Map(ledger.memberships.filter((row) => row.audience_key === audience.key).map((row) => [row.person_id, row.arm]));
  const pushes = ledger.pushes.filter(here);
  const members = file.groups.map((group): Member => {
    const person = file.personOf(group);
    const wanted = isIn(verdictOf(group, audience, AUDIENCES), ledger.now) && !group.denied && arms.get(person ?? '') !== 'holdout';
    return { group, person, wanted, delivery: deliveries.get(person ?? '') };
  });
  const present = membersAt.get(`${destination}/${platformAudienceId}`) ?? new Set<string>();
  const mayBeThere = new Set(members.filter(({ wanted }) => wanted).flatMap(({ group }) => [...group.emails.keys()].map(sha256)));
  const company = companyOfOutcasts(file, pushes);
  const failed = new Set(pushes.filter(({ outcome }) => outcome !== 'answered').flatMap((push) => push.person_ids.map(file.survivorOf)));
  for (const member of members) {
    findings.check(3, whyUnwanted(member, target));
    const { person, delivery } = member;
    if (!delivery || person === undefined) continue;
    auditDelivery(file, findings, { target, member, delivery, present, mayBeThere, sharedACall: company.has(person), metAFailure: failed.has(person) });
  }
  const known = new Set(file.sent.flatMap(({ planned }) => (planned.who.email === undefined ? [] : [sha256(planned.who.email)])));
  for (const hash of present) if (!known.has(hash)) findings.blame(3, `${destination}/${audience.key} has a member whom nobody sent: ${hash}`);
}

/** Persons who were in one call with somebody whom the platform refuses. */
function companyOfOutcasts({ groupOfPerson, isOutcast, survivorOf }: Case, pushes: readonly PushRow[]): Set<string> {
  const isRefused = (person: string): boolean => {
    const group = groupOfPerson.get(survivorOf(person));
    return group !== undefined && isOutcast(group);
  };
  return new Set(pushes.filter((push) => push.person_ids.length > 1 && push.person_ids.some(isRefused)).flatMap((push) => push.person_ids.map(survivorOf)));
}

const nameOf = ({ destination, audience }: ChaosTarget): string => `${destination}/${audience.key}`;

function whyUnwanted({ group, wanted, delivery }: Member, target: ChaosTarget): string | undefined {
  if (wanted && !delivery) return `${group.name} should be in ${nameOf(target)}, and nothing is wanted there`;
  if (delivery && delivery.wanted !== (wanted ? 'in' : 'out')) return `${group.name} should be ${wanted ? 'in' : 'out of'} ${nameOf(target)}, and the ledger wants the opposite`;
  return undefined;
}

interface Look {
  target: ChaosTarget;
  member: Member;
  delivery: DeliveryRow;
  /** E-mail hashes at the platform. */
  present: ReadonlySet<string>;
  /** E-mail hashes of all who are wanted there. */
  mayBeThere: ReadonlySet<string>;
  sharedACall: boolean;
  metAFailure: boolean;
}

function auditDelivery(file: Case, findings: Findings, look: Look): void {
  const { target, member, delivery, sharedACall, metAFailure } = look;
  const outcast = file.isOutcast(member.group);
  const what = `${member.group.name} at ${nameOf(target)}, wanted ${delivery.wanted},`;
  const waits = ['pending', 'processing', 'held', 'blocked'].includes(delivery.status);
  const unusable = member.group.emails.size === 0 && target.destination !== 'meta_main';
  const rejectedForNothing = delivery.status === 'rejected' && !outcast && !unusable;
  const refused = `${what} was rejected: ${delivery.reason ?? 'no reason'}`;
  if (sharedACall && !outcast) findings.check(7, rejectedForNothing && refused);
  if (outcast && delivery.status === 'rejected') findings.check(7, !delivery.reason && `${what} was rejected without a reason`);
  if (metAFailure) findings.check(6, waits ? `${what} is ${delivery.status}` : rejectedForNothing && !sharedACall && refused);
  else if (waits) findings.blame(6, `${what} is ${delivery.status}`);
  else if (rejectedForNothing && !sharedACall) findings.blame(6, refused);
  const wrong = delivery.status === 'accepted' ? whyElsewhere(look, what) : undefined;
  // The platform said what it did not take in the body of a 200, or only later.
  if (outcast) findings.check(8, wrong);
  else if (delivery.status === 'accepted') findings.check(3, wrong);
}

/** `accepted` is the platform's own word, so the platform has to agree. */
function whyElsewhere({ member: { group }, delivery, present, mayBeThere }: Look, what: string): string | undefined {
  if (group.emails.size === 0) return undefined;
  if (delivery.wanted === 'in') {
    const newest = Math.max(...group.emails.values());
    const missing = [...group.emails].find(([email, at]) => at === newest && !present.has(sha256(email)));
    return missing && `${what} counts as accepted, and the platform does not have ${group.emails.size > 1 ? 'the newest e-mail' : 'them'}`;
  }
  const left = [...group.emails.keys()].map(sha256).find((hash) => present.has(hash) && !mayBeThere.has(hash));
  return left && `${what} counts as accepted, and the platform still has them`;
}

/** A workflow is open while its event keeps somebody in for a time that is not over. */
function auditOpenWorkflows(file: Case, findings: Findings): void {
  const { workflows, ledger } = file.evidence;
  const keeping = new Map(ledger.memberships.flatMap((row) => (row.state === 'in' && row.expires_at !== null ? [[row.event_id, row]] : [])));
  for (const { id, status } of workflows) {
    if (status === 'COMPLETED' && keeping.has(id)) findings.blame(5, `the workflow of ${id} has ended, and the window that it should end has not`);
    const linked = file.groupOf.get(id)?.linked === true;
    // After a merge nobody tells the workflow that lost; it finds out at the end of its window.
    if (status === 'RUNNING' && !keeping.has(id) && !linked) findings.blame(5, `the workflow of ${id} is open, and keeps nobody in`);
  }
}

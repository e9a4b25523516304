/**
 * What Headgate should have come to, computed from the set of taken events alone: no order of arrival, no batches, no code of
 * src/. The rules are those of docs/webhooks.md and ARCHITECTURE.md, in their simplest form.
 */
import type { ChaosAudience } from './audiences.ts';
import type { ConsentWord, EventName } from './stories.ts';

/** A taken event. Times in milliseconds since the epoch. */
export interface Fact {
  eventId: string;
  event: EventName;
  audience: string | undefined;
  occurredAt: number;
  customer: string | undefined;
  cio: string | undefined;
  /** Trimmed, in lower case. */
  email: string | undefined;
  consent: { ad_user_data?: ConsentWord; ad_personalization?: ConsentWord } | undefined;
}

/** Everybody whom the events say to be one person. */
export interface Group {
  /** For messages. */
  name: string;
  customer: string | undefined;
  cio: string | undefined;
  facts: Fact[];
  /** E-mail to the time of the newest event that carried it; without those that another customer used last. */
  emails: Map<string, number>;
  /** The newest word was a denial. */
  denied: boolean;
  /** More than one person may have been known before an event linked them. */
  linked: boolean;
}

/** The decision that outranks all others of a group in an audience. */
export interface Verdict {
  eventId: string;
  occurredAt: number;
  removal: boolean;
  /** End of the window; null without one and for removals. */
  expiresAt: number | null;
}

/** Groups the events by person. Throws when an event could be of two persons, which only the order of arrival would tell. */
export function groupFacts(facts: readonly Fact[]): Group[] {
  const claims = Map.groupBy(facts.filter(({ email, customer }) => email !== undefined && customer !== undefined), ({ email = '' }) => email);
  const isShared = (email: string): boolean => new Set(claims.get(email)?.map(({ customer }) => customer)).size > 1;
  const roots = new Map<string, string>();
  const rootOf = (node: string): string => {
    let root = node;
    for (let above = roots.get(root); above !== undefined && above !== root; above = roots.get(root)) root = above;
    return root;
  };
  const nodesOf = (fact: Fact): string[] => {
    const nodes = [
      ...(fact.customer === undefined ? [] : [`customer ${fact.customer}`]),
      ...(fact.cio === undefined ? [] : [`cio ${fact.cio}`]),
      ...(fact.email === undefined || isShared(fact.email) ? [] : [`email ${fact.email}`]),
    ];
    if (nodes.length === 0) throw new Error(`event ${fact.eventId} is about an e-mail that two customers have: the oracle cannot tell whose it is`);
    return nodes;
  };
  for (const fact of facts) {
    const [first = '', ...others] = nodesOf(fact);
    for (const node of [first, ...others]) if (!roots.has(node)) roots.set(node, node);
    for (const other of others) roots.set(rootOf(other), rootOf(first));
  }
  const groups = Map.groupBy(facts, (fact) => rootOf(nodesOf(fact)[0] ?? ''));
  const ownerOf = (email: string): string | undefined => claims.get(email)?.reduce((newest, claim) => (claimsOver(claim, newest) ? claim : newest)).customer;
  return [...groups].map(([name, own]) => describeGroup(name, own, ownerOf));
}

/** Of two customers the one with the newer event has the e-mail, at equal times the one with the greater id. */
function claimsOver(one: Fact, other: Fact): boolean {
  return one.occurredAt === other.occurredAt ? (one.customer ?? '') > (other.customer ?? '') : one.occurredAt > other.occurredAt;
}

function describeGroup(name: string, facts: Fact[], ownerOf: (email: string) => string | undefined): Group {
  const customers = new Set(facts.flatMap(({ customer }) => customer ?? []));
  if (customers.size > 1) throw new Error(`the events link the customers ${[...customers].join(', ')}, who never are one person`);
  const emails = new Map<string, number>();
  for (const { email, occurredAt } of facts) if (email !== undefined) emails.set(email, Math.max(occurredAt, emails.get(email) ?? -Infinity));
  const [customer] = customers;
  for (const email of emails.keys()) if (![undefined, customer].includes(ownerOf(email))) emails.delete(email);
  return {
    name,
    customer,
    cio: facts.find(({ cio }) => cio !== undefined)?.cio,
    facts,
    emails,
    denied: isDenied(facts),
    linked: facts.some((fact) => aliases(fact) !== aliases(facts[0])),
  };
}

const aliases = (fact: Fact | undefined): string => [fact?.customer, fact?.cio, fact?.email].join(' ');

/** The newest event that says anything of consent; at equal times the one that denies. */
function isDenied(facts: readonly Fact[]): boolean {
  const words = facts.filter(({ consent }) => consent !== undefined);
  const newest = Math.max(...words.map(({ occurredAt }) => occurredAt));
  return words.some((fact) => fact.occurredAt === newest && denies(fact));
}

const denies = ({ consent }: Fact): boolean => consent?.ad_user_data === 'denied' || consent?.ad_personalization === 'denied';

/** Undefined when nothing was ever decided of the group in this audience. */
export function verdictOf(group: Group, audience: ChaosAudience, audiences: readonly ChaosAudience[]): Verdict | undefined {
  const candidates = group.facts.flatMap((fact) => verdictsOf(fact, audience, audiences));
  return candidates.reduce<Verdict | undefined>((best, one) => (best === undefined || outranks(one, best) ? one : best), undefined);
}

function verdictsOf(fact: Fact, audience: ChaosAudience, audiences: readonly ChaosAudience[]): Verdict[] {
  const { eventId, occurredAt, event } = fact;
  if (event === 'cio.exposure') return [];
  const removal: Verdict = { eventId, occurredAt, removal: true, expiresAt: null };
  if (fact.audience !== audience.key) {
    const other = audiences.find(({ key }) => key === fact.audience);
    return event === 'cio.audience_add' && other?.excludes.includes(audience.key) === true ? [removal] : [];
  }
  if (event === 'cio.audience_remove' || denies(fact)) return [removal];
  return [{ eventId, occurredAt, removal: false, expiresAt: audience.windowMs === null ? null : occurredAt + audience.windowMs }];
}

/** The later one, at equal times a removal, then the greater id by its characters' codes. */
function outranks(a: Verdict, b: Verdict): boolean {
  if (a.occurredAt !== b.occurredAt) return a.occurredAt > b.occurredAt;
  if (a.removal !== b.removal) return a.removal;
  return a.eventId > b.eventId;
}

/** Whether the person is in at a time. */
export const isIn = (verdict: Verdict | undefined, now: number): boolean => verdict !== undefined && !verdict.removal && (verdict.expiresAt === null || verdict.expiresAt > now);

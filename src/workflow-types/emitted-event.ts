/** From what a workflow decides to the event that says so, checked as the door checks a webhook. Pure but for the redaction of attributes. */
import { hash } from 'node:crypto';
import { redactObject } from '../api/redact.ts';
import { EVENT_ID_PATTERN, EVENT_NAMES, type HeadgateEvent, type JsonObject } from '../domain/event.ts';
import { isBuiltIn } from '../domain/event-type.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { Policies } from '../domain/registry.ts';
import type { EmitInput } from '../workflows/type-contract.ts';

/** Suffixes stand in ids, and in the URLs of the Temporal UI. */
const SUFFIX = /^[A-Za-z0-9._:~=+@-]{1,100}$/;

export type Emission = { event: HeadgateEvent } | { problems: Problem[] };

/** What headgate.yaml says of today: what an emitted event may name. */
export type EmissionPolicies = Pick<Policies, 'actions' | 'types' | 'allowed'> & { audiences: { has: (key: string) => boolean } };

/** `<event_id>~<suffix>`; one that would be too long is a hash of it, always the same. @param base the event's id, or the person's */
export function emittedId(base: string, suffix: string): string {
  const id = `${base}~${suffix}`;
  return EVENT_ID_PATTERN.test(id) ? id : `emitted-${hash('sha256', id, 'hex').slice(0, 40)}~${suffix}`;
}

/** @param given `base`: what the id begins with; `receivedAt`: milliseconds since the epoch */
export function emittedEvent({ event: parent, emit }: EmitInput, { base, policies, receivedAt }: { base: string; policies: EmissionPolicies; receivedAt: number }): Emission {
  const problems: Problem[] = [];
  if (!SUFFIX.test(emit.suffix)) problems.push({ path: 'suffix', message: 'must be 1 to 100 of the characters A-Z a-z 0-9 . _ : ~ = + @ -' });
  const attributes = redactObject(emit.attributes ?? {}, []);
  const type = policies.types?.get(emit.event);
  const read = type?.read(attributes);
  if (read && 'problems' in read) problems.push(...read.problems);
  problems.push(...unknownNames(emit, policies, parent.source));
  if (problems.length > 0) return { problems };
  const data: JsonObject = read && 'data' in read ? read.data : attributes;
  return {
    event: {
      eventId: emittedId(base, emit.suffix),
      source: parent.source,
      people: parent.people,
      name: emit.event,
      ...(emit.audienceKey === undefined ? {} : { audienceKey: emit.audienceKey }),
      ...(emit.event === 'cio.forward' && emit.action !== undefined ? { action: emit.action } : {}),
      ...(emit.event === 'cio.exposure' && emit.exposure !== undefined ? { exposure: emit.exposure } : {}),
      occurredAt: Math.min(emit.occurredAt, receivedAt),
      receivedAt,
      person: parent.person,
      identifiers: parent.identifiers,
      ...(parent.consent ? { consent: parent.consent } : {}),
      context: redactObject(emit.context ?? parent.context, []),
      attributes: data,
      ...(type ? { type: type.startOf(data) } : {}),
      emittedBy: parent.eventId,
    },
  };
}

/** A source that is limited to some of them is limited in what its workflows emit too. */
function unknownNames({ event, action, audienceKey }: EmitInput['emit'], { actions, types, audiences, allowed }: EmissionPolicies, source: string): Problem[] {
  const limits = allowed?.get(source);
  const problems: Problem[] = [];
  if (!(EVENT_NAMES as readonly string[]).includes(event) && (isBuiltIn(event) || !types?.has(event))) {
    problems.push({ path: 'event', message: `${event} is no event: there are ${[...EVENT_NAMES, ...(types?.keys() ?? [])].join(', ')}` });
  }
  if (event === 'cio.forward' && (action === undefined || !actions?.has(action))) {
    problems.push({ path: 'action', message: action === undefined ? 'is missing: say which action of headgate.yaml' : `${action} is not an action of headgate.yaml; there are ${[...(actions?.keys() ?? [])].join(', ') || 'none'}` });
  }
  if (audienceKey === undefined && event.startsWith('cio.audience_')) problems.push({ path: 'audienceKey', message: 'is missing: say which audience' });
  if (event === 'cio.forward' && action !== undefined && actions?.has(action) && limits?.actions?.has(action) === false) problems.push({ path: 'action', message: `${action} is not an action that the source ${source} may use: see its actions in headgate.yaml` });
  if (audienceKey !== undefined && audiences.has(audienceKey) && limits?.audiences?.has(audienceKey) === false) problems.push({ path: 'audienceKey', message: `${audienceKey} is not an audience that the source ${source} may use: see its audiences in headgate.yaml` });
  if (audienceKey !== undefined && !audiences.has(audienceKey)) problems.push({ path: 'audienceKey', message: `${audienceKey} is not an audience of headgate.yaml` });
  return problems;
}

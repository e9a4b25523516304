/** One-line texts for people, shown in the Temporal UI. Pure; never longer than Temporal's 400 bytes for a summary, encrypted or not. */
import type { BuiltInEventName, Decision, HeadgateEvent } from './event.ts';
import { withoutMarkdown } from './plain-line.ts';

const LONGEST_SUMMARY = 200;
/** Of 400: encrypting adds up to 160, for the nonce, the tag, the id of the key and a second set of metadata. */
const MOST_BYTES = 240;

/** Cuts between whole characters, so that neither limit is passed; scripts such as Japanese need three bytes a character. */
function clip(text: string): string {
  const room = MOST_BYTES - bytesOf('"…"');
  let clipped = '';
  let bytes = 0;
  for (const character of text) {
    bytes += bytesOf(character);
    if (clipped.length + character.length >= LONGEST_SUMMARY || bytes > room) return `${clipped}…`;
    clipped += character;
  }
  return text;
}

/** Of the text as JSON in UTF-8, which is how Temporal carries it. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20) bytes += 6;
    else if (character === '"' || character === '\\') bytes += 2;
    else bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** `2026-11-24 10:15 UTC`. */
export const formatTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** Who the event is about, as the customer knows them. */
export function describePerson(event: Pick<HeadgateEvent, 'person'>): string {
  const { customerId, cioId, emailHash } = event.person;
  return customerId ?? cioId ?? (emailHash === undefined ? 'somebody' : `e-mail ${emailHash.slice(0, 8)}…`);
}

/** The summary of an event's workflow: what it asked for and what became of it. */
export function describeEvent(event: HeadgateEvent, decision: Decision): string {
  const who = describePerson(event);
  const audience = event.audienceKey ?? '';
  const campaign = event.context['campaign_name'];
  const because = typeof campaign === 'string' && campaign !== '' ? ` · ${campaign}` : '';
  const words: Readonly<Record<BuiltInEventName, string>> & Readonly<Record<string, string | undefined>> = {
    'cio.audience_add': `${who} enters ${audience}`,
    'cio.audience_remove': `${who} leaves ${audience}`,
    'cio.exposure': `${event.exposure ?? 'exposure'} of ${who}${audience === '' ? '' : ` to ${audience}`}`,
    'cio.forward': `${who} goes to ${event.action ?? ''}`,
    'cio.report': `${event.report?.channel ?? ''} ${event.report?.metric ?? ''}: ${who}`,
  };
  const what = words[event.name] ?? event.type?.summary ?? `${event.name} of ${who}`;
  return clip(withoutMarkdown(`${what}${outcome(decision)}${because}`));
}

function outcome(decision: Decision): string {
  switch (decision.status) {
    case 'applied':
      return decision.until === undefined ? '' : ` until ${formatTime(decision.until)}`;
    case 'held_out':
      return ' (held out)';
    case 'superseded':
      return ' (superseded by a newer decision)';
    case 'expired':
      return ' (its window was already over)';
    case 'test':
      return ' (test)';
  }
}

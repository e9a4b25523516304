/** What every platform's `identify` does alike: go through the given fields, drop what is unusable with a reason, never hash nothing, never hash twice. */
import type { RawPerson } from '../domain/identifiers.ts';
import type { Identification, Identified } from './destination.ts';
import { hashOnce, isHashOfNothing, isSha256 } from './user-data.ts';

/** What a field becomes: [type, normalised text] each, or the reason why nothing. */
export type Normalised = [type: string, text: string][] | string;

/** One identifier, or `otherwise` when the text cannot be used. */
export const one = (type: string, normalised: string | undefined, otherwise: string): Normalised => (normalised === undefined ? otherwise : [[type, normalised]]);

export interface FieldRule {
  normalise: (text: string, person: RawPerson) => Normalised;
  /** Under this type a value that is a SHA-256 already goes as it is; without it, such a value is normalised like any text. */
  hashedAs?: string;
  /** Sent in the clear. */
  plain?: true;
}

export type FieldRules = Partial<Record<keyof RawPerson, FieldRule>>;

/** Pure. In the order of the rules. */
export function identifyFields(person: RawPerson, rules: FieldRules): Identification {
  const identifiers: Identified[] = [];
  const dropped: Identification['dropped'] = [];
  for (const [field, rule] of Object.entries(rules) as [keyof RawPerson, FieldRule][]) {
    const text = person[field];
    if (text === undefined) continue;
    const made = normalise(text, rule, person);
    if (typeof made === 'string') dropped.push({ field, reason: made });
    else identifiers.push(...made.map(([type, normalised]) => identified(type, normalised, rule.plain)));
  }
  return { identifiers, dropped };
}

/** An identifier as sent: in the clear, or as SHA-256 unless it is one already. */
export const identified = (type: string, normalised: string, plain?: true): Identified => ({ type, normalised, value: plain ? normalised : hashOnce(normalised) });

function normalise(text: string, rule: FieldRule, person: RawPerson): Normalised {
  if (text.trim() === '') return 'empty';
  if (isHashOfNothing(text)) return 'the SHA-256 of an empty text: something before Headgate has hashed nothing';
  if (rule.hashedAs !== undefined && isSha256(text)) return [[rule.hashedAs, text.trim().toLowerCase()]];
  const made = rule.normalise(text, person);
  return typeof made === 'string' || made.every(([, normalised]) => normalised !== '') ? made : 'nothing is left of it after normalisation';
}

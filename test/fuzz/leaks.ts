/** What no answer and no line of the log may hold. */
import { SECRETS } from './registry.ts';

/** Of the person in whose name the attacks come. */
export const EMAIL = 'fuzz.person.private@example.com';
export const PHONE = '+15557654321';

const PERSONAL = [EMAIL, EMAIL.toUpperCase(), 'fuzz.person.private', PHONE, '15557654321', '(555) 765-4321'];

/** Traces of the inside in an answer. */
const INSIDE: [name: string, pattern: RegExp][] = [
  ['a stack trace', /\n?\s+at (async )?[\w.<>#[\] ]+ ?\(?(file:|node:|\/)[^)\s]*:\d+:\d+/],
  ['a path of the machine', /(\/(home|root|usr|tmp|var|work)\/[\w./-]+\.(ts|js|mjs|yaml|sock)|file:\/\/\/)/],
  ['a package of the inside', /node_modules\//],
  ['SQL', /\b(select|insert into|update|delete from) [\w".*, $]+ (from|values|set|where)\b|syntax error at or near|invalid input syntax for type|invalid byte sequence for encoding|relation "\w+" does not exist|duplicate key value|violates [\w-]+ constraint|unnamed portal/i],
];

export interface Leak {
  what: string;
  excerpt: string;
}

const around = (text: string, at: number): string => JSON.stringify(text.slice(Math.max(0, at - 60), at + 100));

function find(text: string, names: readonly [string, string][]): Leak[] {
  return names.flatMap(([what, secret]) => {
    const at = text.indexOf(secret);
    return at === -1 ? [] : [{ what, excerpt: around(text, at) }];
  });
}

const secretNames = Object.entries(SECRETS).map(([name, secret]): [string, string] => [`the secret ${name}`, secret]);
const personalNames = PERSONAL.map((value): [string, string] => ['a raw e-mail or phone', value]);

/** Of what is stored or logged. */
export const leaksOfRecord = (text: string): Leak[] => [...find(text, secretNames), ...find(text, personalNames)];

/** @param sent what the sender said, and may hear again: never personal data, though, and never a secret */
export function leaksOfAnswer(text: string, sent: string): Leak[] {
  const inside = INSIDE.flatMap(([what, pattern]) => {
    const found = pattern.exec(text);
    return found && !sent.includes(found[0]) ? [{ what, excerpt: around(text, found.index) }] : [];
  });
  return [...find(text, secretNames.filter(([, secret]) => !sent.includes(secret))), ...inside];
}

/** Keeps secrets out of what is said of a registry: a mistake is told by its place, never by the value that stands there. */
import { isAlias, isCollection, isPair, isScalar, visit, type Document } from 'yaml';
import type { Problems } from './registry-problems.ts';

/** Names of settings whose values nobody else may see, wherever they stand. */
const SECRET_NAME = /secret|token|password|credential|key|webhook|headers|^url$/i;
/** What is shorter stands in too many words by chance, and is refused as a secret anyway. Characters. */
const SHORTEST = 5;

/** Of a word of which nothing but its place says that it is secret. Characters. */
const SHORTEST_WORD = 8;
const BESIDE_SECRET_NAME = /(?:secret|token|password|credential|key|webhook|pagerduty|\burl)[\w-]{0,30}["']?[ \t]*:[ \t]*([^\n,}]*)/gi;

export class RegistrySecrets {
  /** From a value to what is said instead. */
  readonly #said = new Map<string, string>();

  /** Values of `${NAME}` are secret all of them. */
  note(value: string, instead: string): void {
    if (value.length >= SHORTEST) this.#said.set(value, instead);
  }

  /** Notes what stands beside a name of a secret, also where broken quotes or braces make something else of it than a value. */
  noteText(text: string): void {
    for (const [, values = ''] of text.matchAll(BESIDE_SECRET_NAME)) {
      for (const word of values.replace(/\$\{\w*\}?/g, ' ').split(/[\s"'[\]{}]+/)) if (word.length >= SHORTEST_WORD) this.note(word, '***');
    }
  }

  /** Notes the values that are written into the file below names of secrets. */
  noteWritten(document: Document): void {
    visit(document, {
      Pair: (_key, pair) => {
        if (!isScalar(pair.key) || !SECRET_NAME.test(String(pair.key.value))) return;
        for (const text of textsIn(pair.value)) this.note(text, '***');
      },
    });
  }

  /** The longest first, because one may be a part of another. */
  mask(text: string): string {
    const values = [...this.#said.keys()].toSorted((a, b) => b.length - a.length);
    return values.reduce((masked, value) => masked.replaceAll(value, () => this.#said.get(value) ?? ''), text);
  }
}

function textsIn(node: unknown): string[] {
  if (isScalar(node)) return typeof node.value === 'string' ? [node.value] : [];
  if (isAlias(node)) return [node.source];
  if (isCollection(node)) return node.items.flatMap((item) => textsIn(isPair(item) ? item.value : item));
  return [];
}

/** What yaml says of a mistake, without the excerpt of the file that it ends with, and which may be a secret: `Unresolved alias (…): ab12`. */
export const withoutExcerpt = (message: string): string => (message.split('\n')[0] ?? message).replace(/: [^]*$/, '');

/** What yaml would only complain of with the text itself. Told without it: somebody may have forgotten the quotes around a secret. */
export function hasOddNodes(document: Document, problems: Problems): boolean {
  const odd: { at: number; what: string }[] = [];
  visit(document, {
    Alias: (_key, alias) => {
      if (!alias.resolve(document)) odd.push({ at: alias.range?.[0] ?? 0, what: 'an alias (*name) that leads nowhere: a value that begins with * needs quotes' });
    },
    Pair: (_key, pair) => {
      if (isCollection(pair.key)) odd.push({ at: pair.key.range?.[0] ?? 0, what: 'a list or a group of settings cannot be a name' });
    },
  });
  for (const { at, what } of odd) problems.addAt(at, what);
  return odd.length > 0;
}

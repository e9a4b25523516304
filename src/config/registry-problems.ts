/** Mistakes of a registry, collected with the lines that they stand on. */
import type { Document, LineCounter } from 'yaml';
import type { z } from 'zod';
import { ConfigurationError } from './configuration-error.ts';
import type { RegistrySecrets } from './registry-secrets.ts';

type Path = readonly PropertyKey[];

/** More would be read by nobody, and finding the line of each takes the longer the larger the file is. */
const MOST_SHOWN = 200;

/** Collects mistakes; nothing is thrown before `throwIfAny`. */
export class Problems {
  readonly #found: { line: number; text: string }[] = [];
  readonly #file: string;
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #secrets: RegistrySecrets;
  constructor(file: string, document: Document, lines: LineCounter, secrets: RegistrySecrets) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
    this.#secrets = secrets;
  }

  addAt(offset: number, message: string): void {
    if (this.#found.length < MOST_SHOWN) this.#found.push({ line: this.#lines.linePos(offset).line, text: message });
  }

  add(path: Path, message: string): void {
    if (this.#found.length < MOST_SHOWN) this.#found.push({ line: this.#lineOf(path), text: `${path.map(shown).join('.')}: ${message}` });
  }

  addIssues(issues: readonly z.core.$ZodIssue[], below: Path = []): void {
    for (const issue of issues) {
      const path = [...below, ...issue.path];
      if (issue.code === 'unrecognized_keys') for (const key of issue.keys) this.add([...path, key], 'is not a setting that Headgate knows');
      else if (issue.code === 'invalid_union') this.addIssues(nearest(issue.errors).slice(0, 1), path);
      else this.add(path, plainly(issue.message));
    }
  }

  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const sorted = this.#found.toSorted((a, b) => a.line - b.line);
    throw new ConfigurationError(
      'The registry has mistakes',
      sorted.map(({ line, text }) => `${this.#file}:${String(line)}: ${this.#secrets.mask(text)}`),
    );
  }

  /** The line of the deepest part of the path that exists. */
  #lineOf(path: Path): number {
    for (let length = path.length; length > 0; length--) {
      const node = this.#document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return this.#lines.linePos(node.range[0]).line;
    }
    return 1;
  }
}

/** What is no name, because a quote or a brace is missing somewhere, may hold anything: only its beginning is shown. */
const shown = (name: PropertyKey): string => (/^(\S{1,64}|[^\r\n\t\0]{1,16})$/.test(String(name)) ? String(name) : `${JSON.stringify(String(name).slice(0, 12)).slice(1, -1)}…`);

/** Of the alternatives' mistakes, those of the first whose kind of value was given. */
const nearest = (alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] =>
  alternatives.find((issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0)) ?? alternatives[0] ?? [];

/** zod's own words for the two commonest mistakes, in ours. */
const plainly = (message: string): string =>
  message
    .replace(/^Invalid input: expected (\w+), received undefined$/, 'is missing (expected $1)')
    .replace(/^Invalid input: expected string, received (number|boolean)$/, 'must be text: put it in quotes');

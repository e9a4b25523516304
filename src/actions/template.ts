/**
 * Templates of actions: Liquid, as operators know it from Customer.io, with what could read files, loop or run away taken out. Compiled and checked
 * when headgate.yaml is read. A body is a tree: values are filled into it, so that no value can break its quoting.
 */
import { Liquid, Output, type Template } from 'liquidjs';
import { FIELD_ROOTS, type ForwardFields } from '../domain/forward.ts';
import type { JsonValue } from '../domain/event.ts';

/** Characters of one text. */
const LONGEST = 20_000;
/** What LiquidJS counts as used by one rendering: about characters and list elements. */
const MOST_MEMORY = 2_000_000;
/** Files of this machine, and loops, whose end no template promises. */
const TAGS_TAKEN_OUT = ['include', 'render', 'layout', 'block', 'for', 'tablerow', 'increment', 'decrement', 'cycle', 'liquid', 'inline'];

/** How values are written into a text. JSON trees need none of it. */
export type Escape = (value: unknown) => string;

/** A value as text: what is missing is empty, lists and objects are JSON. */
export const asText: Escape = (value) => (typeof value === 'string' ? value : value === null || value === undefined ? '' : JSON.stringify(value));

function engineWith(escape: Escape): Liquid {
  const engine = new Liquid({ strictFilters: true, strictVariables: false, ownPropertyOnly: true, parseLimit: LONGEST, memoryLimit: MOST_MEMORY, outputEscape: escape, templates: {}, timezoneOffset: 0 });
  // The type says that there is always one of each name.
  const tags = engine.tags as Record<string, unknown>;
  for (const tag of TAGS_TAKEN_OUT) Reflect.deleteProperty(tags, tag);
  return engine;
}

const engines = new Map<Escape, Liquid>();
function engineOf(escape: Escape): Liquid {
  const engine = engines.get(escape) ?? engineWith(escape);
  engines.set(escape, engine);
  return engine;
}

/** A mistake in a template, and where: the keys and indexes that lead to the text. */
export interface TemplateMistake {
  path: (string | number)[];
  message: string;
}

/** A template could not be filled in with the values of an event. */
export class TemplateFailed extends Error {
  override readonly name = 'TemplateFailed';
}

/** A compiled text. */
export class TextTemplate {
  readonly source: string;
  /** Fields that it uses, such as `attributes.sku`. */
  readonly uses: readonly string[];
  readonly #engine: Liquid;
  readonly #parsed: Template[];

  constructor(source: string, uses: readonly string[], engine: Liquid, parsed: Template[]) {
    this.source = source;
    this.uses = uses;
    this.#engine = engine;
    this.#parsed = parsed;
  }

  fill(fields: ForwardFields): string {
    return filling(() => this.#engine.renderSync(this.#parsed, fields) as string);
  }

  /** For the masked registry. */
  toJSON(): string {
    return this.source;
  }
}

const SINGLE = /^\{\{-?([^{}]+?)-?\}\}$/;

/** A text in a tree: one `{{ … }}` alone keeps the kind of its value (a number stays one), everything else is text. */
class Leaf {
  readonly text: TextTemplate;
  readonly #expression: string | undefined;
  readonly #engine: Liquid;

  constructor(text: TextTemplate, engine: Liquid, expression: string | undefined) {
    this.text = text;
    this.#engine = engine;
    this.#expression = expression;
  }

  /** Undefined when there is no such value. */
  fill(fields: ForwardFields): JsonValue | undefined {
    const expression = this.#expression;
    if (expression === undefined) return this.text.fill(fields);
    const value = filling(() => this.#engine.evalValueSync(expression, fields) as JsonValue | undefined);
    return value ?? undefined;
  }
}

type Tree = Leaf | string | number | boolean | null | Tree[] | { [key: string]: Tree };

/** A compiled JSON body. Values that are missing are left out of objects, and null in lists. */
export class TreeTemplate {
  readonly source: JsonValue;
  readonly uses: readonly string[];
  readonly #tree: Tree;

  constructor(source: JsonValue, tree: Tree, uses: readonly string[]) {
    this.source = source;
    this.uses = uses;
    this.#tree = tree;
  }

  fill(fields: ForwardFields): JsonValue {
    return fillTree(this.#tree, fields) ?? null;
  }

  /** For the masked registry. */
  toJSON(): JsonValue {
    return this.source;
  }
}

function fillTree(tree: Tree, fields: ForwardFields): JsonValue | undefined {
  if (tree instanceof Leaf) return tree.fill(fields);
  if (typeof tree !== 'object' || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((one) => fillTree(one, fields) ?? null);
  const entries = Object.entries(tree).flatMap(([key, one]): [string, JsonValue][] => {
    const value = fillTree(one, fields);
    return value === undefined ? [] : [[key, value]];
  });
  return Object.fromEntries(entries);
}

function filling<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new TemplateFailed((error as Error).message.split('\n')[0] ?? 'unknown', { cause: error });
  }
}

/** @param escape how values are written into the text; default: as they are */
export function compileText(source: string, escape: Escape = asText): { template: TextTemplate } | { mistakes: TemplateMistake[] } {
  const engine = engineOf(escape);
  const parsed = parse(source, engine);
  if ('mistakes' in parsed) return parsed;
  return { template: new TextTemplate(source, parsed.uses, engine, parsed.templates) };
}

/** Every mistake is reported, each with the place of its text. */
export function compileTree(source: JsonValue): { template: TreeTemplate } | { mistakes: TemplateMistake[] } {
  const mistakes: TemplateMistake[] = [];
  const uses = new Set<string>();
  const tree = compileNode(source, [], mistakes, uses);
  return mistakes.length > 0 ? { mistakes } : { template: new TreeTemplate(source, tree, [...uses]) };
}

const DEEPEST = 20;

function compileNode(node: JsonValue, path: (string | number)[], mistakes: TemplateMistake[], uses: Set<string>): Tree {
  if (path.length > DEEPEST) {
    mistakes.push({ path, message: `is more than ${String(DEEPEST)} levels deep` });
    return null;
  }
  if (typeof node === 'string') return compileLeaf(node, path, mistakes, uses);
  if (typeof node !== 'object' || node === null) return node;
  if (Array.isArray(node)) return node.map((one, index) => compileNode(one, [...path, index], mistakes, uses));
  return Object.fromEntries(Object.entries(node).map(([key, one]) => [key, compileNode(one, [...path, key], mistakes, uses)]));
}

function compileLeaf(text: string, path: (string | number)[], mistakes: TemplateMistake[], uses: Set<string>): Tree {
  if (!text.includes('{{') && !text.includes('{%')) return text;
  const engine = engineOf(asText);
  const parsed = parse(text, engine);
  if ('mistakes' in parsed) {
    mistakes.push(...parsed.mistakes.map(({ message }) => ({ path, message })));
    return null;
  }
  for (const used of parsed.uses) uses.add(used);
  const [only, ...others] = parsed.templates;
  const expression = only instanceof Output && others.length === 0 ? SINGLE.exec(text.trim())?.[1]?.trim() : undefined;
  return new Leaf(new TextTemplate(text, parsed.uses, engine, parsed.templates), engine, expression);
}

function parse(source: string, engine: Liquid): { templates: Template[]; uses: string[] } | { mistakes: TemplateMistake[] } {
  let templates: Template[];
  let segments: unknown[][];
  try {
    templates = engine.parse(source);
    segments = engine.globalVariableSegmentsSync(templates);
  } catch (error) {
    return { mistakes: [{ path: [], message: `is no template: ${inWords((error as Error).message)}` }] };
  }
  const wrong = [...new Set(segments.map(([root]) => String(root)))].filter((root) => !FIELD_ROOTS.some((known) => known === root));
  if (wrong.length > 0) return { mistakes: wrong.map((root) => ({ path: [], message: unknownField(root) })) };
  const uses = segments.map((segment) => segment.filter((part) => typeof part === 'string' || typeof part === 'number').map(String).join('.'));
  return { templates, uses: [...new Set(uses)] };
}

/** Without the excerpt and the position, which are those of the text and not of the file. */
const inWords = (message: string): string => {
  const first = (message.split('\n')[0] ?? message).replace(/, line:\d+, col:\d+$/, '');
  const tag = /tag "(\w+)" not found/.exec(first)?.[1];
  return tag !== undefined && TAGS_TAKEN_OUT.includes(tag) ? `{% ${tag} %} is not allowed here` : first;
};

const PERSONAL: Readonly<Record<string, string>> = {
  email: 'e-mail addresses stop at the door: use customer_id or email_sha256',
  phone: 'phone numbers stop at the door: use customer_id or phone_sha256',
  profile: 'what profile holds stops at the door',
  customer: 'that is Customer.io\'s name: use customer_id, or send what you need as attributes',
};

const unknownField = (root: string): string => `{{ ${root} }}: ${PERSONAL[root] ?? `there is no such field; there are ${FIELD_ROOTS.join(', ')}`}`;

/** Reads `headgate.yaml`: environment variables put in, every mistake reported at once with its line, secrets masked when shown. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument, visit, type Document } from 'yaml';
import type { ConfiguredAction } from '../actions/configured-action.ts';
import type { Audience, Holdout, Owner, Policies } from '../domain/registry.ts';
import type { ReportPolicy } from '../domain/report.ts';
import { maskAlerting, readAlerting, resolveAlerting, type Alerting } from './alerting.ts';
import { ConfigurationError } from './configuration-error.ts';
import { maskAction, resolveAction } from './registry-actions.ts';
import { maskRegistry } from './registry-mask.ts';
import { resolveDestination, resolveExporter, type ConfiguredDestination, type ConfiguredExporter } from './registry-platforms.ts';
import { Problems } from './registry-problems.ts';
import { allowedOf, checkAllowed } from './source-limits.ts';
import { hasOddNodes, RegistrySecrets, withoutExcerpt } from './registry-secrets.ts';
import { guardOf, resolveWatching, showWatching, WATCHING_SECTIONS, type Watching } from './watching.ts';
import { folderOf } from './find-registry.ts';
import { resolveWorkflows, showWorkflows, withWorkflowTypes, WORKFLOWS_SECTION, type Workflows } from './workflows.ts';
import type { LoadedType } from '../workflow-types/loaded-type.ts';
import {
  AUDIENCE_KEY, audienceSchema, holdoutSchema, NAME, sourceSchema, type AudienceEntry, type HoldoutEntry, type SourceEntry,
} from './registry-schema.ts';

export interface Source {
  name: string;
  signingSecrets: string[];
  reportingSecrets: string[];
  bearerTokens: string[];
  people: string;
  phoneCountry: string | undefined;
  reports: ReportPolicy;
  /** Milliseconds. */
  signatureAgeMs: number;
}

export interface Registry {
  sources: ReadonlyMap<string, Source>;
  destinations: ReadonlyMap<string, ConfiguredDestination>;
  exporters: ReadonlyMap<string, ConfiguredExporter>;
  actions: ReadonlyMap<string, ConfiguredAction>;
  policies: Policies;
  /** Who is told of what is wrong. */
  alerting: Alerting;
  /** The guard, how often sizes are read, and what things cost. */
  watching: Watching;
  /** Where workflow types are, and what they are told. */
  workflows: Workflows;
  types: readonly LoadedType[];
  /** Tells registries apart, secrets included; reveals none. */
  hash: string;
  /** For people: the loaded registry with its defaults, secrets masked. */
  masked: object;
}

export interface LoadOptions {
  variables: Readonly<Record<string, string | undefined>>;
  /** False refuses every `sandbox: true`. */
  sandboxAllowed: boolean;
}

/** With its workflow types. Throws ConfigurationError when the file cannot be read, or it or they have mistakes. */
export async function loadRegistry(path: string, options: LoadOptions): Promise<Registry> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError('The registry cannot be read', [`${path}: ${(error as Error).message}. Set HEADGATE_CONFIG to your headgate.yaml.`]);
  }
  return withWorkflowTypes(parseRegistry(text, path, options), folderOf(path));
}

/** The file alone, without workflow types. @param file for messages */
export function parseRegistry(text: string, file: string, options: LoadOptions): Registry {
  if (text.length > MOST_CHARACTERS) throw new ConfigurationError('The registry has mistakes', [`${file}: is longer than ${String(MOST_CHARACTERS)} characters: is it the right file?`]);
  const lines = new LineCounter();
  const document = parseDocument(text.replace(VARIABLE, MARKED), { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'error' });
  const secrets = new RegistrySecrets();
  secrets.noteText(text);
  const problems = new Problems(file, document, lines, secrets);
  for (const error of document.errors) problems.addAt(error.pos[0], withoutExcerpt(error.message));
  problems.throwIfAny();
  substitute(document, options.variables, problems, secrets);
  secrets.noteWritten(document);
  if (hasOddNodes(document, problems)) problems.throwIfAny();

  const given = toPlain(document, file);
  const registry = resolve(given, options, problems);
  problems.throwIfAny();
  return { ...registry, hash: createHash('sha256').update(JSON.stringify(given)).digest('hex').slice(0, 16) };
}

/** Some ten thousand audiences. A file that is not a registry at all would keep the process busy for minutes. */
const MOST_CHARACTERS = 4 * 1024 * 1024;

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
/** Private characters instead of the braces, which would end the value in `{ signing_secret: ${NAME} }`. Of the same length, for the lines. */
const MARKED = '$\ue000$1\ue001';
const MARKED_VARIABLE = /\$\ue000([^\ue001]+)\ue001/g;

/** Puts environment variables into plain values. Done in the tree, so a value can never add keys. */
function substitute(document: Document, variables: LoadOptions['variables'], problems: Problems, secrets: RegistrySecrets): void {
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== 'string') return;
      node.value = node.value.replace(MARKED_VARIABLE, (_whole, name: string) => {
        const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
        if (value === undefined || value === '') problems.addAt(node.range?.[0] ?? 0, `the environment variable ${name} is not set`);
        secrets.note(value ?? '', `\${${name}}`);
        return value ?? '';
      });
    },
  });
}

/** Aliases that multiply until no memory is left show only here. */
function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigurationError('The registry has mistakes', [`${file}: ${withoutExcerpt((error as Error).message)}`]);
  }
}

type Section = Record<string, unknown>;

/** Each entry is checked by itself, so that one mistake hides no other. */
function resolve(given: unknown, options: LoadOptions, problems: Problems): Omit<Registry, 'hash'> {
  const sections = sectionsOf(given, problems);
  const sources = new Map<string, SourceEntry>();
  for (const [name, given] of entriesOf(sections.sources, 'sources', NAME, 'must be lower-case letters, digits and _', problems)) {
    const parsed = sourceSchema.safeParse(given);
    checkAllowed(name, given as Section, sections, problems);
    if (parsed.success) sources.set(name, parsed.data);
    else problems.addIssues(parsed.error.issues, ['sources', name]);
  }
  if (Object.keys(sections.sources).length === 0) problems.add(['sources'], 'needs at least one source');
  const destinations = new Map<string, ConfiguredDestination>();
  for (const [name, given] of entriesOf(sections.destinations, 'destinations', NAME, 'must be lower-case letters, digits and _', problems)) {
    const destination = resolveDestination(name, given as Section, options.sandboxAllowed, problems);
    if (destination) destinations.set(name, destination);
  }
  const exporters = new Map<string, ConfiguredExporter>();
  for (const [name, given] of entriesOf(sections.exporters, 'exporters', NAME, 'must be lower-case letters, digits and _', problems)) {
    // Faults, search attributes and metrics go by the name alone.
    if (Object.hasOwn(sections.destinations, name)) problems.add(['exporters', name], 'there is a destination of that name: give it another one');
    const exporter = resolveExporter(name, given as Section, options.sandboxAllowed, problems);
    if (exporter) exporters.set(name, exporter);
  }
  const actions = resolveActions(sections, options, problems);
  const entries = new Map<string, AudienceEntry>();
  for (const [key, given] of entriesOf(sections.audiences, 'audiences', AUDIENCE_KEY, 'must end with a version, such as high_intent_cart_7d_v1 (lower-case letters, digits and _)', problems)) {
    checkLinks(key, given as Section, sections, destinations, problems);
    const parsed = audienceSchema.safeParse(given);
    if (parsed.success) entries.set(key, parsed.data);
    else problems.addIssues(parsed.error.issues, ['audiences', key]);
  }
  const holdouts = new Map<string, HoldoutEntry>();
  for (const [name, given] of entriesOf(sections.holdouts, 'holdouts', NAME, 'must be lower-case letters, digits and _', problems)) {
    checkCovered(name, given as Section, sections, problems);
    const parsed = holdoutSchema.safeParse(given);
    if (parsed.success) holdouts.set(name, parsed.data);
    else problems.addIssues(parsed.error.issues, ['holdouts', name]);
  }
  for (const [key, { owner }] of entries) {
    if (typeof owner === 'string' && !Object.hasOwn(sections.owners, owner)) problems.add(['audiences', key, 'owner'], `there is no ${owner} in owners`);
  }
  const { contacts, alerts } = readAlerting(sections.owners, sections.alerts, problems);
  const watching = resolveWatching(isSection(given) ? given : {}, problems);
  const workflows = resolveWorkflows(isSection(given) ? given[WORKFLOWS_SECTION] : undefined, problems);
  const audiences = new Map([...entries].map(([key, entry]) => [key, resolveAudience(key, entry, holdouts, watching)]));
  return {
    sources: new Map([...sources].map(([name, entry]) => [name, resolveSource(name, entry)])),
    destinations,
    exporters,
    actions,
    policies: { allowed: allowedOf(sources), audiences, destinations: new Map([...destinations].map(([name, { entry }]) => [name, entry])), actions: new Map([...actions].map(([name, { entry }]) => [name, entry])) },
    alerting: resolveAlerting(contacts, alerts, audiences.values()),
    watching,
    workflows,
    types: [],
    masked: { ...maskRegistry(sources, destinations, exporters, entries, holdouts), ...maskAlerting(contacts, Object.keys(sections.alerts).length > 0 ? alerts : undefined), ...(actions.size === 0 ? {} : { actions: Object.fromEntries([...actions].map(([name, action]) => [name, maskAction(action)])) }), ...showWatching(watching), ...showWorkflows(workflows) },
  };
}

interface Sections {
  sources: Section;
  destinations: Section;
  exporters: Section;
  actions: Section;
  audiences: Section;
  holdouts: Section;
  owners: Section;
  alerts: Section;
}

/** Read by files of their own. */
const OTHER_SECTIONS: readonly string[] = [...WATCHING_SECTIONS, WORKFLOWS_SECTION];

function sectionsOf(file: unknown, problems: Problems): Sections {
  const sections: Sections = { sources: {}, destinations: {}, exporters: {}, actions: {}, audiences: {}, holdouts: {}, owners: {}, alerts: {} };
  const given = isSection(file) ? file : {};
  for (const [name, section] of Object.entries(given)) {
    if (OTHER_SECTIONS.includes(name)) continue;
    if (!Object.hasOwn(sections, name)) problems.add([name], `is not a section that Headgate knows (${[...Object.keys(sections), ...OTHER_SECTIONS].join(', ')})`);
    else if (isSection(section)) sections[name as keyof Sections] = section;
    else if (section !== null) problems.add([name], 'must be a list of names, each with its settings below it');
  }
  return sections;
}

const isSection = (value: unknown): value is Section => typeof value === 'object' && value !== null && !Array.isArray(value);

function entriesOf(section: Section, name: string, pattern: RegExp, rule: string, problems: Problems): [string, unknown][] {
  return Object.entries(section).filter(([key, given]) => {
    if (!pattern.test(key)) problems.add([name, key], rule);
    if (!isSection(given)) problems.add([name, key], 'must have settings below it');
    return isSection(given);
  });
}

const resolveSource = (name: string, entry: SourceEntry): Source => ({
  name,
  signingSecrets: entry.signing_secret ?? [],
  reportingSecrets: entry.reporting_secret ?? [],
  bearerTokens: entry.bearer_token ?? [],
  people: entry.people ?? name,
  phoneCountry: entry.default_country,
  reports: { workflowsOnlyWhereNeeded: entry.reporting.workflows === 'only_where_needed', endsMemberships: entry.reporting.ends_memberships },
  signatureAgeMs: entry.signature_age,
});

/** Faults, search attributes and metrics go by the name alone. */
function resolveActions(sections: Sections, { sandboxAllowed }: LoadOptions, problems: Problems): Map<string, ConfiguredAction> {
  const actions = new Map<string, ConfiguredAction>();
  for (const [name, given] of entriesOf(sections.actions, 'actions', NAME, 'must be lower-case letters, digits and _', problems)) {
    const taken = Object.hasOwn(sections.destinations, name) ? 'a destination' : Object.hasOwn(sections.exporters, name) ? 'an exporter' : undefined;
    if (taken) problems.add(['actions', name], `there is ${taken} of that name: give it another one`);
    const action = resolveAction(name, given as Section, sandboxAllowed, problems);
    if (action) actions.set(name, action);
  }
  return actions;
}

/** What an audience says of others. Looks at it as written, so that it is checked also when its shape is wrong. */
function checkLinks(
  key: string,
  given: Section,
  sections: Sections,
  destinations: ReadonlyMap<string, ConfiguredDestination>,
  problems: Problems,
): void {
  const path = ['audiences', key];
  if (given['window'] === undefined && given['exit'] === undefined && !isExcludedElsewhere(key, sections)) {
    problems.add(path, 'has no way out: give it a window, let another audience exclude it, or say exit: cio.audience_remove');
  }
  const excludes: unknown = given['excludes'];
  for (const [index, excluded] of Array.isArray(excludes) ? excludes.entries() : []) {
    if (excluded === key) problems.add([...path, 'excludes', index], 'an audience cannot exclude itself');
    else if (!Object.hasOwn(sections.audiences, String(excluded))) problems.add([...path, 'excludes', index], `there is no audience ${String(excluded)}`);
  }
  const targets = given['targets'];
  for (const [name, id] of isSection(targets) ? Object.entries(targets) : []) {
    const at = [...path, 'targets', name];
    if (!Object.hasOwn(sections.destinations, name)) problems.add(at, `there is no destination ${name}`);
    const destination = destinations.get(name);
    const wrong = typeof id === 'string' ? destination?.platform.checkAudienceId(id) : undefined;
    if (wrong !== undefined) problems.add(at, wrong);
    if (given['mode'] === 'test' && destination?.entry.mode === 'live' && destination.entry.testProfiles.length === 0) {
      problems.add([...path, 'mode'], `test pushes only the destination's test_profiles: list some at ${name}`);
    }
  }
}

/** Looks at it as written, as checkLinks does. */
function checkCovered(name: string, given: Section, sections: Sections, problems: Problems): void {
  const covered: unknown = given['audiences'];
  for (const [index, key] of Array.isArray(covered) ? covered.entries() : []) {
    if (!Object.hasOwn(sections.audiences, String(key))) problems.add(['holdouts', name, 'audiences', index], `there is no audience ${String(key)}`);
  }
}

const holdoutsOver = (key: string, holdouts: ReadonlyMap<string, HoldoutEntry>): Holdout[] =>
  [...holdouts].filter(([, { audiences }]) => audiences?.includes(key) ?? true).map(([name, { share }]) => ({ name, share }));

const resolveAudience = (key: string, entry: AudienceEntry, holdouts: ReadonlyMap<string, HoldoutEntry>, watching: Watching): Audience => ({
  key,
  description: entry.description,
  owner: resolveOwner(entry.owner),
  windowMs: entry.window ?? null,
  excludes: entry.excludes,
  holdout: entry.holdout,
  holdouts: holdoutsOver(key, holdouts),
  mode: entry.mode,
  guard: guardOf(entry.guard, watching.guard),
  targets: Object.entries(entry.targets).map(([destination, platformAudienceId]) => ({ destination, audienceKey: key, platformAudienceId })),
});

function isExcludedElsewhere(key: string, sections: Sections): boolean {
  return Object.entries(sections.audiences).some(([other, given]) => {
    const excludes = isSection(given) ? given['excludes'] : undefined;
    return other !== key && Array.isArray(excludes) && excludes.includes(key);
  });
}

function resolveOwner(owner: AudienceEntry['owner']): Owner {
  if (typeof owner === 'string') return { name: owner };
  const { name, slack, email } = owner;
  return { name, ...(slack === undefined ? {} : { slack }), ...(email === undefined ? {} : { email }) };
}

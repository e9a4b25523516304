/** What a document names is there: files, sections, commands with their options, npm scripts, routes, settings. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { describeApi } from '../../src/api/openapi/document.ts';
import { commandsOf } from '../../src/cli/guide.ts';
import { createProgram } from '../../src/cli/main.ts';
import packageJson from '../../package.json' with { type: 'json' };

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Says what was, too. */
const HISTORY = 'CHANGELOG.md';
const documents = globSync('{*.md,{docs,src,test,examples,bench,deploy,tools}/**/*.md}', { cwd: ROOT, exclude: (path) => path.includes('node_modules') }).toSorted();
const textOf = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

/** As GitHub makes them of headings. */
const anchorsIn = (text: string): Set<string> =>
  new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')));

const linksOf = (text: string): string[] => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));

function isBrokenLink(document: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? document : join(dirname(document), path);
  if (!existsSync(join(ROOT, target))) return true;
  return anchor !== undefined && target.endsWith('.md') && !anchorsIn(textOf(target)).has(anchor);
}

/** What stands in backquotes or in a block of code. */
const codeIn = (text: string): string[] => [...text.matchAll(/^```[^\n]*\n([^]*?)^```/gm), ...text.replace(/^```[^]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

const FILE = /(?<![\w/.:$~-])[\w@-][\w.@{},*-]*(?:\/[\w.@{},*-]+)+\.(?:ts|md|sql|ya?ml|json|c?js|sh)(?![\w/]|\.\w)/g;
const filesIn = (text: string): string[] => codeIn(text).flatMap((code) => code.match(FILE) ?? []);
/** Made by commands of the documents: the package, and workflow types of the reader's own. */
const MADE = /^(data|dist|histories|workflows)\//;
/** Relative to the repository, to a room of it, or to the document. */
const isThere = (document: string, file: string): boolean =>
  MADE.test(file) || ['.', 'src', 'test', 'docs', 'test/replay', dirname(document)].some((folder) => globSync(file, { cwd: join(ROOT, folder) }).length > 0);

const settingsInSource = new Set(execFileSync('git', ['grep', '-hoE', 'HEADGATE_[A-Z_]+', '--', 'src', 'test', 'bin', 'deploy', 'docker-compose.yml', '.env.example'], { cwd: ROOT, encoding: 'utf8' }).split('\n'));

const program = createProgram();
const commands = new Map(commandsOf(program).map(({ path, command }) => [path, command]));

/** A command line as a document writes it, with its alternatives: `headgate pause | resume --all`. */
const typedIn = (text: string): string[] =>
  codeIn(text).flatMap((code) =>
    code
      .replace(/\\\n\s*/g, ' ')
      .split('\n')
      .flatMap((line) => [...line.matchAll(/(?:^\s*|npx )headgate ((?:[a-z][a-z-]*)(?: [^\n#>]*)?)/g)].map(([, typed = '']) => typed.trim())),
  );

function mistakeOf(typed: string): string | undefined {
  const words = typed.split(/\s+/);
  let path = words[0] ?? '';
  if (!commands.has(path)) return `there is no command ${path}`;
  for (const word of words.slice(1)) if (commands.has(`${path} ${word}`)) path = `${path} ${word}`;
  // Where alternatives are listed, an option belongs to any of them.
  if (/[|·]/.test(typed)) return undefined;
  const known = new Set(['--help', '--version', ...(commands.get(path)?.options ?? []).flatMap(({ long, short }) => [long, short])]);
  const unknown = words.filter((word) => /^--[a-z]/.test(word)).map((word) => word.split('=')[0]?.replace(/[,.;:)\]'"]+$/, '')).find((option) => !known.has(option));
  return unknown === undefined ? undefined : `headgate ${path} has no ${unknown}`;
}

const routes = Object.entries(describeApi().paths).flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/\{[^}]+\}/g, ':')}`));
/** Of Customer.io's App API. */
const THEIRS = ['GET /v1/info/ip_addresses', 'GET /v1/messages', 'POST /v1/exports/deliveries'];
const routesIn = (text: string): string[] => [...text.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/v1\/[\w/:{}.-]*[\w}])(?![\w/…])/g)].map(([, method = '', path = '']) => `${method} ${path.replace(/:[a-zA-Z_]+|\{[^}]+\}|\b[A-Z]{2,}\b/g, ':')}`);

describe.each(documents)('%s', (document) => {
  const text = textOf(document);

  test('links to what is there', () => {
    expect(linksOf(text).filter((link) => isBrokenLink(document, link))).toEqual([]);
  });

  test.skipIf(document === HISTORY)('names files, commands, scripts, routes and settings that are there', () => {
    expect({
      files: filesIn(text).filter((file) => !isThere(document, file)),
      commands: typedIn(text).flatMap((typed) => mistakeOf(typed) ?? []),
      scripts: [...text.matchAll(/npm run ([a-z][\w:-]*)/g)].map(([, script = '']) => script).filter((script) => !(script in packageJson.scripts)),
      routes: routesIn(text).filter((route) => ![...routes, ...THEIRS].includes(route)),
      settings: (text.match(/HEADGATE_[A-Z_]+[A-Z]/g) ?? []).filter((setting) => !settingsInSource.has(setting)),
    }).toEqual({ files: [], commands: [], scripts: [], routes: [], settings: [] });
  });
});

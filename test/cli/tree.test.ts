/** What holds for every command: help with examples that can be typed, --json, completion, docs/cli.md. A new command is seen here by itself. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { closest } from '../../src/cli/closest.ts';
import { complete, type RegistryNames } from '../../src/cli/complete.ts';
import { commandsOf, EXAMPLES, groupOf } from '../../src/cli/guide.ts';
import { createProgram } from '../../src/cli/main.ts';
import { drawBar } from '../../src/cli/progress-line.ts';
import { describeCommands } from '../../src/cli/reference.ts';

const program = createProgram();
const all = commandsOf(program);
/** Commands that do something: without subcommands, or with arguments or options of their own. */
const doing = all.filter(({ command }) => command.commands.length === 0 || command.options.length > 0);

test.each(doing.map(({ path, command }) => [path, command] as const))('%s: --json, and an example (EXAMPLES in src/cli/guide.ts)', (path, command) => {
  expect(command.options.map(({ long }) => long)).toContain('--json');
  expect(command.description()).toMatch(/\.$/);
  expect(EXAMPLES[path]?.length).toBeGreaterThan(0);
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  expect(help).toContain(`npx headgate ${EXAMPLES[path]?.[0]?.[0] ?? ''}`);
});

test('every command of the first level has its place in the help', () => {
  const placed = all.filter(({ path }) => !path.includes(' ')).map(({ path }) => [path, groupOf(path)]);
  expect(placed.filter(([path, group]) => group === 'This command' && path !== 'completion')).toEqual([]);
});

test('--url is the same everywhere', () => {
  const described = doing.flatMap(({ path, command }) => (path === 'template' ? [] : command.options.filter(({ long }) => long === '--url').map(({ flags, description }) => `${flags} ${description}`)));
  expect(new Set(described)).toEqual(new Set(['--url <url> where Headgate listens (default: HEADGATE_URL)']));
});

describe('every example can be typed', () => {
  const typed = Object.entries(EXAMPLES).flatMap(([path, examples]) => examples.map(([line]) => [line, path] as const));
  test.each(typed)('headgate %s', async (line, path) => {
    const fresh = createProgram();
    const placed = commandsOf(fresh);
    let reached = '';
    for (const one of [{ path: '', command: fresh }, ...placed]) {
      one.command.exitOverride().configureOutput({ writeErr: () => undefined });
      if (one.path !== '') one.command.action(() => void (reached = one.path));
    }
    await fresh.parseAsync(wordsOf(line.split(' > ')[0] ?? ''), { from: 'user' });
    expect(reached).toBe(path);
  });
});

/** As a shell splits them. */
const wordsOf = (line: string): string[] => [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);

test('docs/cli.md is what the commands say: npm run cli-reference writes it', async () => {
  expect(await readFile(new URL('../../docs/cli.md', import.meta.url), 'utf8')).toBe(describeCommands(createProgram()));
});

describe('completion', () => {
  const names: RegistryNames = { audiences: ['cart_7d_v1', 'lapsed_30d_v1'], destinations: ['meta_main'], sources: ['shop'], exporters: ['warehouse'], actions: ['slack'] };
  const offered = (...words: string[]): string[] => complete(program, words, names).map(({ value }) => value);
  test.each<[string[], string[]]>([
    [['aud'], ['audience', 'audiences', 'audit']],
    [['quarantine', ''], ['list', 'show', 'replay', 'discard']],
    [['audience', 'c'], ['cart_7d_v1']],
    [['audience', 'retire', ''], ['cart_7d_v1', 'lapsed_30d_v1']],
    [['resync', 'cart_7d_v1', '--target', ''], ['meta_main']],
    [['resync', ''], ['cart_7d_v1', 'lapsed_30d_v1']],
    [['pause', '--destination', 'm'], ['meta_main']],
    [['pause', '--audience=l'], ['--audience=lapsed_30d_v1']],
    [['send', 're'], ['remove', 'report']],
    [['send', 'add', '--source', ''], ['shop']],
    [['export', 'pause', ''], ['warehouse']],
    [['export', 'exposures', '--format', 'p'], ['parquet']],
    [['completion', ''], ['bash', 'zsh', 'fish']],
    [['event', 'x', '--j'], ['--json']],
    [['event', 'x', '--json', '--j'], []],
  ])('%j', (words, expected) => {
    expect(offered(...words)).toEqual(expected);
  });
  test('hidden commands are not offered', () => {
    expect(offered('')).not.toContain('complete');
    expect(offered('')).toContain('resync');
  });
});

test.each([
  ['cart_7d_v1', 'cart_7d_v2'],
  ['meta', 'meta_main'],
  ['nothing-like-it', undefined],
])('did you mean: %s', (given, meant) => {
  expect(closest(given, ['cart_7d_v2', 'meta_main', 'warehouse'])).toBe(meant);
});

test.each([
  [0, '░░░░░░░░░░░░░░░░░░░░░░░░   0 %'],
  [0.5, '████████████░░░░░░░░░░░░  50 %'],
  [2, '████████████████████████ 100 %'],
  [Number.NaN, '░░░░░░░░░░░░░░░░░░░░░░░░   0 %'],
])('a bar of %d', (share, drawn) => {
  expect(drawBar(share)).toBe(drawn);
});

/** What comes from npm: exact, hashed, under a known licence, and nothing that runs by itself unless docs/dependencies.md says why. */
import { readFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { licenceOf, refusedPartOf, renderLicences } from '../../tools/pack/licences.ts';
import { readLock, readPackageJson, ROOT } from '../../tools/pack/package-json.ts';

const manifest = await readPackageJson();
const lock = await readLock();
const page = await readFile(`${ROOT}docs/dependencies.md`, 'utf8');
const direct = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.overrides };
const nameOf = ({ name, version }: { name: string; version: string }): string => `${name}@${version}`;

/** Rows of the table below a heading, as cells; what stands in backquotes, without them. */
const rowsBelow = (heading: string): string[][] =>
  (page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `')).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));
const inBackquotes = (cell = ''): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);

const numbers = (version: string): number[] => version.split(/[.-]/).slice(0, 3).map(Number);
const isAtLeast = (version: string, least: string): boolean => {
  const [own, wanted] = [numbers(version), numbers(least)];
  const at = own.findIndex((part, index) => part !== wanted[index]);
  return at === -1 || own[at]! > wanted[at]!;
};

test('every version in package.json is exact, and the lock has that one', () => {
  for (const [name, version] of Object.entries(direct)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(lock.find(({ path }) => path === `node_modules/${name}`)?.version, `${name} in package-lock.json: run npm install`).toBe(version);
  }
});

test('the lock has a hash of everything, names no place that it comes from, and nothing that its makers gave up', () => {
  expect(lock.length).toBeGreaterThan(500);
  expect(lock.filter(({ integrity }) => !(integrity ?? '').startsWith("sha512-")).map(nameOf)).toEqual([]);
  expect(lock.filter(({ resolved }) => resolved !== undefined).map(nameOf)).toEqual([]);
  expect(lock.filter(({ deprecated }) => deprecated !== undefined).map(nameOf)).toEqual([]);
});

test('every dependency is imported, or is a program that Headgate starts', async () => {
  const files = globSync('{src/**/*.ts,bin/*.js}', { cwd: ROOT });
  const code = (await Promise.all(files.map((file) => readFile(`${ROOT}${file}`, 'utf8')))).join('\n');
  expect(Object.keys(manifest.dependencies).filter((name) => !new RegExp(`['"]${name}(/[^'"]*)?['"]`).test(code))).toEqual([]);
});

test('docs/dependencies.md says what each dependency of production is for', () => {
  const scoped = (cell: string): string[] => {
    const names = inBackquotes(cell);
    const scope = /^@[^/]+\//.exec(names[0]!)?.[0] ?? '';
    return names.map((name) => (name.startsWith('@') || direct[name] !== undefined ? name : scope + name));
  };
  expect(rowsBelow('Directly, in production').flatMap(([names]) => scoped(names!)).toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted());
});

describe('install scripts', () => {
  const wanting = [...new Set(lock.filter(({ hasInstallScript }) => hasInstallScript === true).map(({ name }) => name))].toSorted();

  test('each is allowed or refused by name, and no other package has one', () => {
    expect(Object.keys(manifest.allowScripts).toSorted()).toEqual(wanting);
  });

  test('the page says the same, with the reason', () => {
    expect(Object.fromEntries(rowsBelow('Install scripts').map(([name, may]) => [inBackquotes(name)[0], may === 'yes']))).toEqual(manifest.allowScripts);
  });
});

describe('licences', () => {
  const production = lock.filter(({ dev }) => dev !== true);

  test('each package of production is under one that Headgate may be given away with', () => {
    const refused = production.flatMap((locked) => {
      const part = refusedPartOf(licenceOf(locked));
      return part === undefined ? [] : [`${nameOf(locked)}: ${part} is not on the list of tools/pack/licences.ts`];
    });
    expect(refused).toEqual([]);
  });

  test('an expression is judged by its parts', () => {
    expect(refusedPartOf('MIT')).toBeUndefined();
    expect(refusedPartOf('Apache-2.0 AND MIT')).toBeUndefined();
    expect(refusedPartOf('(MIT OR GPL-3.0-only)')).toBeUndefined();
    expect(refusedPartOf('MIT AND GPL-3.0-only')).toBe('GPL-3.0-only');
    expect(refusedPartOf('SSPL-1.0')).toBe('SSPL-1.0');
  });

  test('docs/licences.md is of this lock', async () => {
    expect(await readFile(`${ROOT}docs/licences.md`, 'utf8'), 'run npm run licences').toBe(await renderLicences());
  });
});

describe('advisories', () => {
  test.each(rowsBelow('Advisories').map(([name, mendedIn]) => [inBackquotes(name)[0]!, mendedIn!] as const))('%s is not older than %s, which mended what is known', (name, mendedIn) => {
    const found = lock.filter((locked) => locked.name === name && locked.dev !== true);
    expect(found, `${name} is gone: take its row out of docs/dependencies.md`).not.toEqual([]);
    for (const { version } of found) expect(isAtLeast(version, mendedIn), version).toBe(true);
  });

  test('no release that carried malware', () => {
    const poisoned = ['debug@4.4.2', 'chalk@5.6.1', 'color-convert@3.1.1', 'color-name@2.0.1', 'color-string@2.1.1', 'color@5.0.1', 'ansi-regex@6.2.1', 'ansi-styles@6.2.2', 'strip-ansi@7.1.1', 'supports-color@10.2.1', 'wrap-ansi@9.0.1', 'slice-ansi@7.1.1', 'error-ex@1.3.3', 'is-arrayish@0.3.3', 'simple-swizzle@0.2.3', 'has-ansi@6.0.1', 'chalk-template@1.1.1', 'supports-hyperlinks@4.1.1', 'backslash@0.2.1', 'event-stream@3.3.6', 'flatmap-stream@0.1.1', 'ua-parser-js@0.7.29', 'coa@2.0.3', 'rc@1.2.9'];
    expect(lock.map(nameOf).filter((name) => poisoned.includes(name))).toEqual([]);
  });
});

test('one Node everywhere: what npm installs, what the types are of, what the image has', async () => {
  const [major] = numbers(manifest.dependencies['node']!);
  expect(numbers(manifest.devDependencies['@types/node']!)[0]).toBe(major);
  expect(await readFile(`${ROOT}bin/headgate.js`, 'utf8')).toContain(`major >= ${String(major)}`);
  const images = [...(await readFile(`${ROOT}Dockerfile`, 'utf8')).matchAll(/node:(\d+)/g)].map(([, tag]) => Number(tag));
  expect(new Set(images)).toEqual(new Set([major]));
});

/** What `npm run release:check` finds wrong, rule by rule. */
import { describe, expect, test } from 'vitest';
import { apiBreaks, changelogProblems, changedSince, compareVersions, historyProblems, lockProblems, migrationProblems, patchesDue, releasesIn, versionProblems, type ApiLike } from './rules.ts';

test('releases are read from tags, the newest last', () => {
  expect(releasesIn(['v0.10.0', 'v0.2.0', 'nightly', 'v0.2.0-rc.1', 'version-1'])).toEqual(['0.2.0-rc.1', '0.2.0', '0.10.0']);
  expect(compareVersions('1.0.0', '1.0.0')).toBe(0);
});

test('a version is one, newer than the last release, and not released', () => {
  expect(versionProblems('0.2.0', ['0.1.0'])).toEqual([]);
  expect(versionProblems('0.1.0', [])).toEqual([]);
  expect(versionProblems('0.1.0', ['0.1.0'])).toEqual([expect.stringContaining('is released already')]);
  expect(versionProblems('0.1.5', ['0.1.0', '0.2.0'])).toEqual([expect.stringContaining('older than the last release, 0.2.0')]);
  expect(versionProblems('next', [])).toEqual([expect.stringContaining('is no version')]);
});

describe('the changelog', () => {
  test.each(['## 0.1.0 · 2026-12-01', '## [0.1.0] - 2026-12-01', '## 0.1.0 (2026-12-01)'])('takes %s', (title) => {
    expect(changelogProblems(`# Changelog\n\n## Unreleased\n\n${title}\n\n- First.\n`, '0.1.0')).toEqual([]);
  });
  test.each<[string, string, RegExp]>([
    ['no section', '## Unreleased\n\n## 0.1.01 · 2026-12-01\n- First.', /no section "## 0\.1\.0/],
    ['no date', '## 0.1.0\n- First.', /no date/],
    ['no notes', '## 0.1.0 · 2026-12-01\n\n', /no notes/],
    ['notes left over', '## Unreleased\n- One more.\n## 0.1.0 · 2026-12-01\n- First.', /1 notes still stand under Unreleased/],
  ])('refuses %s', (_what, text, problem) => {
    expect(changelogProblems(text, '0.1.0').join()).toMatch(problem);
  });
});

test('a lock file is in step when it says the same as package.json, and holds what it names', () => {
  const manifest = { version: '0.1.0', dependencies: { pg: '8.23.1' }, devDependencies: { eslint: '10.15.0' } };
  const packages = { '': manifest, 'node_modules/pg': {}, 'node_modules/eslint': {} };
  expect(lockProblems(manifest, { version: '0.1.0', packages })).toEqual([]);
  expect(lockProblems({ ...manifest, version: '0.2.0' }, { version: '0.1.0', packages })).toHaveLength(2);
  expect(lockProblems({ ...manifest, dependencies: { pg: '8.24.0', zod: '4.6.7' } }, { version: '0.1.0', packages })).toEqual([
    'pg is 8.24.0 in package.json and 8.23.1 in package-lock.json',
    'zod is 4.6.7 in package.json and absent in package-lock.json',
  ]);
  expect(lockProblems(manifest, { version: '0.1.0', packages: { '': manifest, 'node_modules/pg': {} } })).toEqual(['eslint is not in package-lock.json']);
});

test('released migrations stay, and new ones come after them', () => {
  const before = new Map([['0001-ledger.sql', 'a'], ['0003-identity.sql', 'c']]);
  expect(migrationProblems(before, new Map([...before, ['0004-more.sql', 'd']]))).toEqual([]);
  expect(migrationProblems(before, new Map([['0001-ledger.sql', 'A'], ['0002-late.sql', 'b']]))).toEqual([
    '0001-ledger.sql has changed',
    '0003-identity.sql is gone',
    expect.stringContaining('0002-late.sql is new, and comes before the released 0003-identity.sql'),
  ]);
  expect(changedSince(new Map(), before)).toEqual([]);
});

test('histories: all workflows of this version, those of the last release, and of nothing else', () => {
  const fine = { version: '0.2.0', workflows: ['audienceAdd'], recorded: ['audienceAdd'], released: ['0.1.0'], folders: ['0.1.0', '0.2.0'] };
  expect(historyProblems(fine)).toEqual([]);
  expect(historyProblems({ ...fine, recorded: [] })).toEqual(['audienceAdd has no history of 0.2.0']);
  expect(historyProblems({ ...fine, folders: ['0.1.0'] })).toEqual(['there are no histories of 0.2.0']);
  expect(historyProblems({ ...fine, folders: ['0.2.0', '0.1.7'] })).toEqual(['test/replay/histories/0.1.7 is of no release', expect.stringContaining('the last release, 0.1.0, are gone')]);
});

test('a patch is due from its day on', () => {
  const patch = { id: 'a', since: '2026-01-01', version: '0.1.0', changed: '', mayGoOn: '2027-01-01', because: '' };
  expect([patchesDue([patch], '2026-12-31'), patchesDue([patch], '2027-01-01')]).toEqual([[], [expect.stringContaining('the patch a')]]);
});

describe('the api is compatible', () => {
  const body = (schema: object) => ({ content: { 'application/json': { schema } } });
  const Event = { type: 'object', properties: { status: { type: 'string' }, platforms: { type: 'array', items: { type: 'object', properties: { reason: { type: 'string' } } } } } };
  const before: ApiLike = {
    paths: { '/v1/events/{id}': { get: { parameters: [{ name: 'id', in: 'path', required: true }], responses: { 200: body({ $ref: '#/components/schemas/Event' }), 404: {} } } }, '/v1/holds': { post: { requestBody: body({ required: ['key'] }), responses: {} } } },
    components: { schemas: { Event } },
  };
  const changed = (change: (api: ApiLike) => void): string[] => {
    const after = structuredClone(before);
    change(after);
    return apiBreaks(before, after);
  };
  test('when nothing goes; more is no break', () => {
    expect(changed((api) => { Object.assign(api.components?.schemas?.['Event']?.properties ?? {}, { more: { type: 'string' } }); })).toEqual([]);
  });
  test.each<[string, (api: ApiLike) => void]>([
    ['POST /v1/holds is gone', (api) => { delete api.paths['/v1/holds']; }],
    ['POST /v1/holds must be sent owner now', (api) => { api.paths['/v1/holds'] = { post: { requestBody: body({ required: ['key', 'owner'] }), responses: {} } }; }],
    ['GET /v1/events/{id} never answers 404 any more', (api) => { delete api.paths['/v1/events/{id}']?.['get']?.responses?.['404']; }],
    ['GET /v1/events/{id} must have the query parameter source now', (api) => { api.paths['/v1/events/{id}']?.['get']?.parameters?.push({ name: 'source', in: 'query', required: true }); }],
    ['GET /v1/events/{id} 200 has no status any more', (api) => { delete api.components?.schemas?.['Event']?.properties?.['status']; }],
    ['GET /v1/events/{id} 200 platforms [] reason is "number" now, and was "string"', (api) => { Object.assign(api.components?.schemas?.['Event']?.properties?.['platforms']?.items?.properties ?? {}, { reason: { type: 'number' } }); }],
  ])('%s', (problem, change) => {
    expect(changed(change)).toEqual([problem]);
  });
});

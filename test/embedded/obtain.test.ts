/** What is fetched once per machine: one process at a time, complete or not at all. */
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { obtain, type ObtainOptions } from '../../src/embedded/obtain.ts';
import { TEST_SERVER_VERSION } from '../../src/embedded/test-server.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'headgate-cache-'));
});
afterEach(() => rm(cache, { recursive: true, force: true }));

const content = async (path: string): Promise<string> => readFile(path, 'utf8');

function options(ways: ObtainOptions['ways']): ObtainOptions {
  const whyUnusable = async (path: string): Promise<string | undefined> => ((await content(path)) === 'works' ? undefined : 'does not work');
  return { name: 'tool-1', program: 'tool', whyUnusable, ways, what: 'tool', instead: 'Install the tool.', environment: { XDG_CACHE_HOME: cache }, say: () => undefined };
}

const making = (text: string, onMade = (): void => undefined): ObtainOptions['ways'][number] => ({
  origin: 'made',
  make: async (made) => {
    await mkdir(made);
    await writeFile(join(made, 'tool'), text);
    onMade();
    return undefined;
  },
});
const failing = { origin: 'downloaded', make: async (made: string): Promise<string> => mkdir(made).then(() => 'the host is away') };

test('two that want it at the same moment get one, made once, by the first way that works', async () => {
  let times = 0;
  const way = making('works', () => times++);
  const found = await Promise.all([obtain(options([failing, way])), obtain(options([failing, way]))]);
  expect(new Set(found.map(({ path }) => path)).size).toBe(1);
  expect(found.map(({ origin }) => origin).sort()).toEqual(['cached', 'made']);
  expect(times).toBe(1);
  expect(await readdir(join(cache, 'headgate'))).toEqual(['tool-1']);
});

test('where there is no way, the error says what was tried and what to do, and nothing is left', async () => {
  await expect(obtain(options([failing]))).rejects.toThrow('No tool: the host is away. Install the tool.');
  expect(await readdir(join(cache, 'headgate'))).toEqual([]);
});

test('one that does not work any more is replaced', async () => {
  await mkdir(join(cache, 'headgate/tool-1'), { recursive: true });
  await writeFile(join(cache, 'headgate/tool-1/tool'), 'broken');
  const { path } = await obtain(options([making('works')]));
  expect(await content(path)).toBe('works');
});

test('what a killed process left goes; what a living one is making of something else stays', async () => {
  const folder = join(cache, 'headgate');
  // No process has such an id: it is above what Linux gives out.
  for (const name of ['other-2.making-4194999-x', `other-2.making-${String(process.pid)}-x`, 'tool-1.making-y']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'tool-1.lock'), '4194999');
  await obtain(options([making('works')]));
  expect((await readdir(folder)).sort()).toEqual([`other-2.making-${String(process.pid)}-x`, 'tool-1']);
});

test('the version that Maven fetches is the one that the cache is named after', async () => {
  const pom = new URL('../../tools/temporal-test-server/pom.xml', import.meta.url);
  await access(pom);
  expect(await readFile(pom, 'utf8')).toContain(`<version>${TEST_SERVER_VERSION}</version>`);
});

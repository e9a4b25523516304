import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseRegistry } from '../../src/config/registry.ts';
import { withWorkflowTypes } from '../../src/config/workflows.ts';
import { loadWorkflowTypes } from '../../src/workflow-types/index.ts';
import { copyTypes } from '../support/outside-types.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'beside-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(base, file)), { recursive: true });
    await writeFile(join(base, file), text);
  }
}
const registration = (fields: string): string => `import { z } from 'zod';\nimport { defineWorkflowType } from 'headgate/workflow-type';\nexport default defineWorkflowType({ ${fields} });\n`;
const whole = (event: string, workflow: string, more = ''): string => registration(`event: '${event}', workflow: '${workflow}', description: 'tries', schema: z.object({ n: z.number() }), example: { n: 1 }, ${more}`);
const workflow = (name: string): string => `export async function ${name}() { return 1; }\n`;
/** Without the folder, which is another one in each run. */
const problems = (named?: string[]): string[] => loadWorkflowTypes(named, base).problems.map((problem) => problem.replaceAll(`${base}/`, ''));

describe('where types are found', () => {
  test('beside headgate.yaml in ./workflows, if that is there, and only folders with an index count', async () => {
    expect(loadWorkflowTypes(undefined, base)).toEqual({ types: [], problems: [] });
    const { folder, remove } = await copyTypes();
    await cp(folder, join(base, 'workflows'), { recursive: true });
    await remove();
    await write({ 'workflows/README.md': '# Ours', 'workflows/shared/dates.ts': 'export const day = 1;\n' });
    const { types, problems: wrong } = loadWorkflowTypes(undefined, base);
    expect(wrong).toEqual([]);
    expect(types.map(({ event, name, workflowNames }) => [event, name, workflowNames])).toEqual([
      ['shop.refund', 'refund-watch', ['refundWatch']],
      ['shop.subscription_paused', 'subscription-paused', ['subscriptionPaused', 'winBack']],
      ['shop.subscription_resumed', 'subscription-resumed', ['subscriptionResumed']],
    ]);
  });

  test('in an installed package, as JavaScript', async () => {
    await write({
      'node_modules/@acme/types/package.json': '{ "name": "@acme/types", "version": "1.0.0", "type": "module" }',
      'node_modules/@acme/types/vip/index.js': whole('shop.vip', 'vip'),
      'node_modules/@acme/types/vip/workflow.js': workflow('vip'),
    });
    const { types, problems: wrong } = loadWorkflowTypes(['@acme/types'], base);
    expect([wrong, types.map(({ event }) => event)]).toEqual([[], ['shop.vip']]);
  });

  test('a folder that is not there and one without types are said', async () => {
    await mkdir(join(base, 'empty'));
    expect(problems(['./gone', './empty'])).toEqual([
      'workflows: there is neither a folder gone nor a package ./gone (npm install ./gone)',
      'workflows: empty holds no workflow type: each is a folder with an index.ts (headgate workflow new NAME --folder ./empty makes one)',
    ]);
  });
});

test('every mistake of every type is reported at once, with its file', async () => {
  await write({
    'w/a-none/index.ts': 'export const nothing = 1;\n', 'w/a-none/workflow.ts': workflow('none'),
    'w/b-fields/index.ts': registration(`event: 'cio.mine', workflow: 'gone', schema: z.object({ n: z.number() }), example: { n: 'one' }, description: ''`), 'w/b-fields/workflow.ts': workflow('here'),
    'w/c-broken/index.ts': 'import { nothing } from "./nowhere.ts";\nexport default nothing;\n', 'w/c-broken/workflow.ts': workflow('broken'),
    'w/d-dates/index.ts': registration(`event: 'shop.dates', workflow: 'dates', schema: z.object({ at: z.string().transform((text) => new Date(text)) }), example: { at: '2026-11-30' }, description: 'd'`), 'w/d-dates/workflow.ts': workflow('dates'),
    'w/e-first/index.ts': whole('shop.twice', 'first', 'createActivities: () => ({ look: async () => 1, emit: async () => 2 })'), 'w/e-first/workflow.ts': workflow('first'),
    'w/f-second/index.ts': whole('shop.twice', 'forward', 'createActivities: () => ({ look: async () => 1 })'), 'w/f-second/workflow.ts': workflow('forward'),
    'w/g-none/index.ts': whole('Shop', 'x'),
  });
  expect(problems(['./w'])).toEqual([
    "w/a-none/index.ts: has no default export: export default defineWorkflowType<typeof workflows, typeof schema>({ … })",
    "w/b-fields/index.ts: event cio.mine begins with cio., which is for Headgate's own: take another word, such as shop.",
    'w/b-fields/index.ts: description is missing: say in one line what the type is for',
    'w/b-fields/index.ts: example.n does not pass the schema: Invalid input: expected number, received string',
    'w/b-fields/workflow.ts: does not export a function gone, which index.ts names; it exports here',
    expect.stringMatching(/^w\/c-broken\/index\.ts: cannot be loaded: .*nowhere\.ts/) as string,
    expect.stringMatching(/^w\/d-dates\/index\.ts: schema gives what JSON does not hold/) as string,
    'w/g-none/index.ts: event must be a dotted lower-case name such as shop.refund, not "Shop"',
    'w/g-none: has no workflow.ts',
    'w/e-first/index.ts: the step emit is taken by Headgate itself: give it another name',
    'w/f-second/index.ts: the event shop.twice is taken by w/e-first/index.ts: give it another name',
    'w/f-second/workflow.ts: the workflow forward is taken by Headgate itself: give it another name',
    'w/f-second/index.ts: the step look is taken by w/e-first/index.ts: give it another name',
  ]);
});

describe('headgate.yaml', () => {
  const registry = (workflows: string) => parseRegistry(`sources: { demo: { signing_secret: a-signing-secret } }\n${workflows}`, 'headgate.yaml', { variables: {}, sandboxAllowed: true });

  test('names folders and settings; settings are masked, and a registry with types is another one than without', async () => {
    const { folder, remove } = await copyTypes();
    const plain = registry(`workflows: { folders: ${folder}, settings: { refund-watch: { token: very-secret } } }`);
    const loaded = await withWorkflowTypes(plain, base);
    await remove();
    expect(loaded.policies.types?.get('shop.refund')?.workflow).toBe('refundWatch');
    expect(JSON.stringify(loaded.masked)).not.toContain('very-secret');
    expect(loaded.hash).not.toBe(plain.hash);
  });

  test('without any it stays as it is', async () => {
    const plain = registry('');
    expect(await withWorkflowTypes(plain, base)).toBe(plain);
  });

  test('mistakes there have their line, and settings of no type are said', async () => {
    expect(() => registry('workflows: { folder: ./x }')).toThrow(/headgate\.yaml:2.*workflows/s);
    await expect(withWorkflowTypes(registry('workflows: { settings: { refund-wach: { a: 1 } } }'), base)).rejects.toThrow('there is no workflow type refund-wach');
  });
});

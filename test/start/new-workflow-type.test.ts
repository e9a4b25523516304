/** Follows docs/new-workflow-type.md to the letter: its commands are typed, its files are written, in the order of the page. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect, createInstance, ROOT, runHeadgate, type Instance } from '../support/headgate-process.ts';
import { until } from '../support/until.ts';

type Step = { file: string; text: string } | { command: string };

/** Of the part before the reference. */
function stepsOf(page: string): Step[] {
  const [guide = ''] = page.split('\n## Reference');
  return [...guide.matchAll(/(?:`([^`\n]+)`:\n\n)?```(ts|sh)\n([\s\S]*?)```/g)].flatMap(([, file, language, text = '']): Step[] => {
    if (language === 'ts' && file !== undefined) return [{ file, text }];
    return text.trim().split('\n').map((command) => ({ command }));
  });
}

let folder: string;
let instance: Instance;
// Before each try, because each makes the same files.
beforeEach(async () => {
  // Inside the clone, as the page says, and out of its way.
  await mkdir(join(ROOT, 'data'), { recursive: true });
  folder = await mkdtemp(join(ROOT, 'data', 'page-'));
  await writeFile(join(folder, 'vitest.config.mjs'), 'export default { test: { testTimeout: 120_000, hookTimeout: 120_000 } };\n');
  instance = await createInstance({ cwd: folder });
});
afterEach(async () => {
  await instance.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Types a command of the page; what npm and npx find, the clone has. */
async function type(command: string): Promise<string> {
  if (command === 'npm start') return (await instance.start()).output();
  const [program, first, ...rest] = command.split(' ');
  // Only where the testing kit is there.
  if (`${program ?? ''} ${first ?? ''}` === 'npx vitest') return existsSync(join(ROOT, 'src/testing/index.ts')) ? vitest(rest) : '';
  const words = command.replace(/^npm run new:workflow /, 'workflow new ').replace(/^npx headgate /, '').split(' ').filter((word) => word !== '--');
  const { status, output } = await runHeadgate(instance, ...words);
  expect(status, `${command}\n${output}`).toBe(0);
  return output;
}

async function vitest([, ...paths]: string[]): Promise<string> {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, ...paths], { cwd: folder, env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))) });
  const output = collect(child);
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect(status, output()).toBe(0);
  return output();
}

test('ten minutes: made, changed, tested, run, sent and seen', async () => {
  const said = new Map<string, string>();
  for (const step of stepsOf(await readFile(join(ROOT, 'docs/new-workflow-type.md'), 'utf8'))) {
    if ('file' in step) {
      expect(existsSync(join(folder, dirname(step.file))), `${step.file} has been made by then`).toBe(true);
      await writeFile(join(folder, step.file), step.text);
    } else if (step.command === 'npx headgate event refund-3~third') {
      const sent = await until(() => runHeadgate(instance, 'event', 'refund-3~third'), ({ output }) => output.includes('sent'));
      said.set(step.command, sent.output);
    } else said.set(step.command, await type(step.command));
  }
  expect(said.get('npx headgate workflow list')).toMatch(/refund-watch.*shop\.refund.*refundWatch/);
  expect(said.get('npx headgate event refund-3~third')).toContain('ops_slack');
  expect(said.get('npx headgate template --event shop.refund')).toContain('"amount": {{ event.amount');
  const described = (await (await fetch(`http://127.0.0.1:${String(instance.ports.api)}/openapi.json`)).json()) as { components: { schemas: Record<string, { required?: string[] }> } };
  expect(described.components.schemas['AttributesOfShopRefund']?.required).toEqual(['order_id', 'amount']);
  expect([...said.keys()].filter((command) => command.startsWith('npx vitest'))).toHaveLength(1);
});

/** `headgate workflow list | new`: the workflow types that this headgate.yaml finds, and a new one. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { readEnvironment } from '../../config/environment.ts';
import { findRegistry, folderOf } from '../../config/find-registry.ts';
import { LONGEST_EVENT_NAME, OWN_EVENT_NAME, RESERVED_PREFIXES } from '../../domain/event-type.ts';
import { answer } from '../answer.ts';
import { loadOwnRegistry } from '../own-registry.ts';
import { skeletonFiles, workflowName } from '../skeleton/workflow-type.ts';
import { table } from '../table.ts';

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

export function addWorkflowCommands(program: Command): void {
  const workflow = program.command('workflow').description('Workflow types of your own: what an event of another name starts (docs/new-workflow-type.md).');
  workflow.command('list').description('The types that headgate.yaml finds.').option('--json', 'print JSON').action(list);
  workflow
    .command('new')
    .description('Make a new type: four small files and a test, which work.')
    .argument('<name>', 'its folder, such as refund-watch')
    .option('--event <name>', 'the event that starts it (default: shop. and the name)')
    .option('--folder <folder>', 'where the folder goes (default: workflows beside headgate.yaml)')
    .option('--json', 'print JSON')
    .action(make);
}

async function list({ json }: { json?: boolean }): Promise<void> {
  const { registry } = await loadOwnRegistry();
  const types = registry.types.map(({ name, event, workflow, description, file }) => ({ name, event, workflow, description, file: relative(process.cwd(), file) }));
  answer(json, { types }, () =>
    types.length === 0
      ? 'There are no workflow types: headgate workflow new NAME makes one.'
      : table(['name', 'event', 'workflow', 'what it is for', 'file'], types.map((type) => [type.name, type.event, type.workflow, type.description, type.file]), { dense: true }),
  );
}

async function make(name: string, { event = `shop.${name.replaceAll('-', '_')}`, folder, json }: { event?: string; folder?: string; json?: boolean }): Promise<void> {
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name for a folder: take lower-case words with - between them, such as refund-watch.`);
  if (!OWN_EVENT_NAME.test(event) || event.length > LONGEST_EVENT_NAME || RESERVED_PREFIXES.some((prefix) => event.startsWith(prefix))) {
    throw new Error(`--event ${event}: take a dotted lower-case name such as shop.refund, which begins neither with ${RESERVED_PREFIXES.join(' nor with ')}`);
  }
  const into = join(folder ?? join(folderOf(findRegistry(readEnvironment()).path), 'workflows'), name);
  if (existsSync(into)) throw new Error(`${into} is there already: take another name, or take it away.`);
  await mkdir(into, { recursive: true });
  const files = Object.entries(skeletonFiles({ name, event }));
  for (const [file, text] of files) await writeFile(join(into, file), text, { flag: 'wx' });
  const paths = files.map(([file]) => relative(process.cwd(), join(into, file)));
  answer(json, { name, event, workflow: workflowName(name), files: paths }, () => [
    `${name}: the event ${event} starts the workflow ${workflowName(name)}.`, ...paths.map((path) => `  ${path}`), '',
    'Next:', `  npx vitest run ${relative(process.cwd(), into)}`, '  npm start   (again, if it runs: types are loaded at start)', `  npx headgate send event --event ${event} --customer-id c_ada`, '', 'docs/new-workflow-type.md goes on from here.',
  ].join('\n'));
}

/** The rooms' import directions are checked by a tool; this checks the tool, by planting breaches. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let copy: string;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'headgate-boundaries-'));
  for (const name of ['src', 'tsconfig.json', '.dependency-cruiser.cjs', 'package.json']) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

function cruise(): Promise<string> {
  return new Promise((resolve) => {
    execFile(join(root, 'node_modules/.bin/depcruise'), ['--config', '.dependency-cruiser.cjs', 'src'], { cwd: copy }, (_error, stdout, stderr) => {
      resolve(stdout + stderr);
    });
  });
}

/** Rule, where the breach is planted, the breach. */
const BREACHES: [rule: string, room: string, line: string][] = [
  ['domain-is-pure', 'domain', "import { readFile } from 'node:fs'; void readFile;"],
  ['api-imports', 'api', "import { catalog } from '../destinations/catalog.ts'; void catalog;"],
  ['console-imports', 'console', "import { withoutEmail } from '../api/event-from-body.ts'; void withoutEmail;"],
  ['workflows-imports', 'workflows', "import { createActivities } from '../activities/index.ts'; void createActivities;"],
  ['platform-imports', 'destinations/meta', "import { openLedger } from '../../ledger/index.ts'; void openLedger;"],
  ['ledger-imports', 'ledger', "import { Relay } from '../relay/index.ts'; void Relay;"],
  ['sandbox-imports', 'sandbox', "import { meta } from '../destinations/meta/index.ts'; void meta;"],
  ['wiring-only-from-entry-points', 'cli', "import { buildParts } from '../wiring.ts'; void buildParts;"],
];

test('the tree itself keeps to the rules, and each planted breach is seen', async () => {
  expect(await cruise()).toContain('no dependency violations found');
  for (const [, room, line] of BREACHES) await writeFile(join(copy, 'src', room, 'planted.ts'), line);
  const seen = await cruise();
  for (const [rule, room] of BREACHES) expect(seen).toMatch(new RegExp(`error ${rule}: src/${room}/planted`));
}, 60_000);

test('a workflow may import the type of the activities', async () => {
  for (const [, room] of BREACHES) await rm(join(copy, 'src', room, 'planted.ts'), { force: true });
  await writeFile(join(copy, 'src/workflows/planted.ts'), "import type { Activities } from '../activities/index.ts'; export type Planted = Activities;");
  expect(await cruise()).toContain('no dependency violations found');
}, 60_000);

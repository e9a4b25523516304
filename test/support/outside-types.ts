/** Workflow types in a folder of their own, outside the source tree and without node_modules. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../fixtures/workflow-types', import.meta.url));

export interface OutsideTypes {
  folder: string;
  remove: () => Promise<void>;
}

export async function copyTypes(): Promise<OutsideTypes> {
  const folder = await mkdtemp(join(tmpdir(), 'types-'));
  await cp(FIXTURES, folder, { recursive: true });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

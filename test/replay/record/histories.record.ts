/** `npm run record:histories`: tells stories to a whole Headgate and keeps what its workflows did, for the version in package.json. */
import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { tellOfEvents } from './stories/events.ts';
import { tellOfJobs } from './stories/jobs.ts';
import { tellOfActions, tellOfExports } from './stories/queues.ts';
import { tellOfSyncs } from './stories/syncs.ts';
import { World } from './world.ts';

const { version } = packageJson;

let world: World;
/** Stories that went otherwise than planned. */
const failed = new Set<string>();
beforeAll(async () => {
  if (isReleased()) throw new Error(`Headgate ${version} is released (there is a tag v${version}): its histories stay as they are. Raise the version in package.json first.`);
  world = await World.start();
});
afterEach(({ task }) => {
  world.service.sandbox.faults.set(undefined, null);
  if (task.result?.state === 'fail') failed.add(task.name);
  else failed.delete(task.name);
});
afterAll(() => world.stop());

function isReleased(): boolean {
  try {
    return execFileSync('git', ['tag', '--list', `v${version}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() !== '';
  } catch {
    // Not a clone of git: nothing is known to be released.
    return false;
  }
}

const theWorld = (): World => world;
// Exports first: their histories grow by themselves.
tellOfExports(theWorld);
tellOfEvents(theWorld);
tellOfActions(theWorld);
tellOfSyncs(theWorld);
tellOfJobs(theWorld);

test('all of it is written down', async () => {
  expect([...failed], 'stories went otherwise than planned, so nothing was written').toEqual([]);
  const count = await world.recording.write(version);
  process.stdout.write(`${String(count)} histories are in test/replay/histories/${version}: look at the diff, run npx vitest run test/replay, and commit them.\n`);
});

/** A headless Chromium for the tests of pages. Finds one, or installs Debian's where that is possible, and says so. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const run = promisify(execFile);
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const INSTALL_TIMEOUT_MS = 10 * 60_000;

const isRoot = (): boolean => process.getuid?.() === 0;

async function onPath(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
      const path = join(folder, name);
      if (await access(path, constants.X_OK).then(() => true, () => false)) return path;
    }
  }
  return undefined;
}

/** Throws with a sentence that says what to install. */
async function findChromium(): Promise<string> {
  const given = process.env['HEADGATE_CHROMIUM'] ?? (await onPath(NAMES));
  if (given !== undefined) return given;
  if (isRoot() && (await onPath(['apt-get'])) !== undefined) {
    process.stderr.write('The tests of the console need Chromium, and there is none: installing Debian\'s (apt-get install chromium).\n');
    await run('apt-get', ['update'], { timeout: INSTALL_TIMEOUT_MS });
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    const installed = await onPath(NAMES);
    if (installed !== undefined) return installed;
  }
  throw new Error('The tests of the console need Chromium: install it (Debian: apt-get install chromium), or name a Chromium or Chrome by HEADGATE_CHROMIUM.');
}

/** Starts it. Every file that does closes it in `afterAll`. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  // Chromium's sandbox does not work as root; small machines have a small /dev/shm.
  return chromium.launch({ executablePath, args: [...(isRoot() ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'], timeout: 120_000 });
}

/** For `beforeAll`: installing takes its time. Milliseconds. */
export const BROWSER_START_TIMEOUT_MS = INSTALL_TIMEOUT_MS + 120_000;

/** Installs the peers, which Headgate's own install leaves out. */
import { stat } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** Does nothing when package-lock.json has not changed since the last install. Throws when npm cannot install. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  const [wanted, installed] = [await changedAt('package-lock.json'), await changedAt('node_modules/.package-lock.json')];
  if (installed >= wanted) return;
  say('Installing the peers into bench/peers/node_modules (240 MB) …');
  // Their packages work without install scripts; the only one reports the installation to somebody.
  const npm = spawn('npm', ['ci', '--prefix', FOLDER, '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise((resolve, reject) => {
    npm.once('error', reject);
    npm.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`The peers could not be installed: npm ci --prefix bench/peers ended with ${String(code)} (its words are above).`);
}

/** Milliseconds since the epoch; 0 when it is not there. */
const changedAt = (file: string): Promise<number> => stat(new URL(file, import.meta.url)).then(({ mtimeMs }) => mtimeMs, () => 0);

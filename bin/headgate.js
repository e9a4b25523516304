#!/usr/bin/env node
// Plain JavaScript that an old Node reads too. Headgate needs Node 24: where an older one runs this, the Node that npm installed with Headgate takes over.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major] = process.versions.node.split('.').map(Number);
if (major >= 24) await run();
else runUnder(installedNode());

async function run() {
  // `headgate … | head` has seen enough.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  // The npm package has JavaScript in dist/, because Node runs no TypeScript below node_modules; a clone has src/.
  const source = new URL('../src/cli/main.ts', import.meta.url);
  const { main } = await import(existsSync(source) ? source.href : new URL('../dist/cli/main.js', import.meta.url).href);
  await main(process.argv.slice(2));
  // What a connection that is closed still has in mind does not count.
  process.stdout.write('', () => process.exit());
}

/** Of the npm package `node`; undefined when it, or what its install script fetches, is not there. */
function installedNode() {
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The same command under that Node. What ends this process is passed on, and it ends as the other one does. */
function runUnder(node) {
  if (node === undefined) {
    console.error(
      `Headgate needs Node 24 or newer; this is ${process.version}, and the Node that comes with Headgate (the npm package "node") is not installed. ` +
        'Install Node 24, or let npm run the install script of that package: npm approve-scripts node, then npm rebuild node.',
    );
    process.exit(1);
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches both, and a second one would cut the stop short; what was sent to this process alone is passed on as a SIGTERM, which does not.
  process.on('SIGINT', () => setTimeout(() => child.kill('SIGTERM'), 500));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`Headgate needs Node 24 or newer; this is ${process.version}, and the one at ${node} does not start: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (status, signal) => process.exit(status ?? 128 + (constants.signals[signal] ?? 0)));
}

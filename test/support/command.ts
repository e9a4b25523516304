/** The `headgate` command as an operator types it, against a service of the tests. */
import { spawn } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestService } from './service.ts';

const BIN = new URL('../../bin/headgate.js', import.meta.url).pathname;

export interface CommandResult {
  status: number | null;
  output: string;
  errors: string;
}

/** @param registry the operator's headgate.yaml */
export async function runCommand(service: TestService, registry: string, ...args: string[]): Promise<CommandResult> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-command-'));
  await writeFile(join(folder, 'headgate.yaml'), registry);
  const { port } = new URL(service.url);
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, env: { ...process.env, TEMPORAL_ADDRESS: service.temporal.address, HEADGATE_PORT: port, HEADGATE_SANDBOX_URL: service.sandbox.url } });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (status) => { resolve({ status, output, errors }); });
  });
}

import { spawn } from 'node:child_process';
import { ROOT } from './package-json.ts';

/** Runs a program in the repository and resolves with what it printed. Throws with all of it when it fails. */
export async function run(command: string, args: readonly string[], options: { cwd?: string; environment?: Record<string, string | undefined> } = {}): Promise<string> {
  const child = spawn(command, args, { cwd: options.cwd ?? ROOT, env: { ...process.env, ...options.environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed:\n${errors}${output}`);
  return output;
}

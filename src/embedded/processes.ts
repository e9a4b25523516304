/** Small things about processes of this machine. */
import { execFile, type ExecFileOptions } from 'node:child_process';
import { readFile } from 'node:fs/promises';

export interface Finished {
  code: number;
  output: string;
}

/** Runs a command to its end. Never throws for a command that fails: look at `code`. */
export async function run(command: string, args: readonly string[], options: ExecFileOptions = {}): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(command, args, { ...options, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 1) : 0;
      const said = `${stdout}${stderr}`;
      resolve({ code, output: said === '' && error ? error.message : said });
    });
  });
}

/** True while a process with this id exists (also when it belongs to somebody else). */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a process, '' when it is gone. */
export async function commandOf(pid: number): Promise<string> {
  const { code, output } = await run('ps', ['-o', 'command=', '-p', String(pid)]);
  return code === 0 ? output.trim() : '';
}

/** The process that started it, or that adopted it (1) after that one's end; undefined when it is gone. */
export async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  // The command before it may hold anything, parentheses too.
  if (stat !== '') return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  const { code, output } = await run('ps', ['-o', 'ppid=', '-p', String(pid)]);
  return code === 0 ? Number(output.trim()) : undefined;
}

/** Resolves when the process has ended, at the latest after `ms`; returns whether it has. */
export async function whenGone(pid: number, ms: number): Promise<boolean> {
  const end = Date.now() + ms;
  while (isAlive(pid)) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/** Asks a process to end, and ends it by force when it has not after `graceMs`. */
export async function stopProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, signal);
  if (await whenGone(pid, graceMs)) return;
  process.kill(pid, 'SIGKILL');
  await whenGone(pid, 5_000);
}

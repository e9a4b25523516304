/** Notices that the `npm` which started this process was killed, so that nothing it started is left running. */
import { isAlive, run } from './processes.ts';

const LOOK_EVERY_MS = 500;

/**
 * Resolves when npm, or the shell between it and this process, is gone. Never resolves for a process that was not started by
 * an npm script: that one has a life of its own (nohup, a service manager).
 */
export async function whenParentIsGone(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (environment['npm_lifecycle_event'] === undefined) return new Promise(() => undefined);
  const ancestors = await npmAndShell(process.ppid);
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (ancestors.every(isAlive)) return;
      clearInterval(timer);
      resolve();
    }, LOOK_EVERY_MS).unref();
  });
}

async function npmAndShell(parent: number): Promise<number[]> {
  const { code, output } = await run('ps', ['-o', 'ppid=,comm=', '-p', String(parent)]);
  const [, ppid, command] = /^\s*(\d+)\s+(.*)$/.exec(output) ?? [];
  if (code !== 0 || ppid === undefined) return [parent];
  return /(^|\/)(sh|bash|dash|zsh)$/.test(command?.trim() ?? '') ? [parent, Number(ppid)] : [parent];
}

/** Notices that the `npm` which started this process was killed, so that nothing it started is left running. */
import { commandOf, parentOf } from './processes.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Resolves when npm, or the shell between it and this process, is gone. Never resolves for a process that was not started by
 * an npm script: that one has a life of its own (nohup, a service manager).
 */
export async function whenParentIsGone(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  if (environment['npm_lifecycle_event'] === undefined) return new Promise(() => undefined);
  const parent = process.ppid;
  // Under an older Node, bin/headgate.js stands between as well.
  const launcher = LAUNCHER.test(await commandOf(parent)) && !(await isShell(parent)) ? parent : undefined;
  const shell = launcher === undefined ? parent : ((await parentOf(launcher)) ?? parent);
  const npm = (await isShell(shell)) ? await parentOf(shell) : undefined;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
    // Asked by parentage, because a killed process that nobody has reaped still has its id.
    if (process.ppid !== parent || (launcher !== undefined && (await parentOf(launcher)) !== shell) || (npm !== undefined && (await parentOf(shell)) !== npm)) return;
  }
}

const LAUNCHER = /bin\/headgate(\.js)?( |$)/;
const isShell = async (pid: number): Promise<boolean> => /^(\S*\/)?(sh|bash|dash|zsh)( |$)/.test(await commandOf(pid));

/** Notices that the `npm` which started this process was killed, so that nothing it started is left running. */
import { commandOf, parentOf } from './processes.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Resolves when npm, or the shell between it and this process, is gone, or the `headgate` that an older Node ran and that started this process. Never resolves
 * for a process that was started otherwise: that one has a life of its own (nohup, a service manager).
 */
export async function whenParentIsGone(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  const parent = process.ppid;
  // Where an older Node was asked, bin/headgate.js stands before us too, and is as good as this process.
  const launcher = !(await isShell(parent)) && LAUNCHER.test(await commandOf(parent)) ? parent : undefined;
  const byNpm = environment['npm_lifecycle_event'] !== undefined;
  if (!byNpm && launcher === undefined) return new Promise(() => undefined);
  const shell = launcher === undefined ? parent : await parentOf(launcher);
  const npm = shell !== undefined && (await isShell(shell)) ? await parentOf(shell) : undefined;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS).unref());
    // Asked by parentage, because a killed process that nobody has reaped still has its id.
    if (process.ppid !== parent) return;
    if (!byNpm || shell === undefined) continue;
    if ((launcher !== undefined && (await parentOf(launcher)) !== shell) || (npm !== undefined && (await parentOf(shell)) !== npm)) return;
  }
}

const LAUNCHER = /bin\/headgate(\.js)?( |$)/;
const isShell = async (pid: number): Promise<boolean> => /^(\S*\/)?(sh|bash|dash|zsh)( |$)/.test(await commandOf(pid));

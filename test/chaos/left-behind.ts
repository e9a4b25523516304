/** Every process and folder of the suite: whatever happens to this process, none of them stays behind. */
import { rmSync } from 'node:fs';

const pids = new Set<number>();
const folders = new Set<string>();
let installed = false;

export function notePid(pid: number): void {
  pids.add(pid);
  install();
}

export function forgetPid(pid: number): void {
  pids.delete(pid);
}

export function noteFolder(folder: string): void {
  folders.add(folder);
  install();
}

export function forgetFolder(folder: string): void {
  folders.delete(folder);
}

function install(): void {
  if (installed) return;
  installed = true;
  process.on('exit', leaveNothingBehind);
  // A test runner ends its processes by these, without an `exit`. Who has handlers of their own ends in order.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) if (process.listenerCount(signal) === 0) process.on(signal, () => process.exit(1));
}

function leaveNothingBehind(): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** A part of a bench in a process of its own, which sends the port that it listens on. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Launched {
  url: string;
  /** By force: what it holds is thrown away. Resolves when it has ended. */
  stop: () => Promise<void>;
}

/** Rejects when the process ends before it has sent its port. `environment` is added to this process's own. */
export function launch(file: URL, args: readonly string[] = [], environment: Record<string, string> = {}): Promise<Launched> {
  const child = fork(fileURLToPath(file), args, { env: { ...process.env, ...environment } });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  child.once('exit', () => {
    end();
  });
  const stop = (): Promise<void> => {
    child.kill('SIGKILL');
    return ended;
  };
  return new Promise((resolve, reject) => {
    child.once('message', ({ port }: { port: number }) => {
      resolve({ url: `http://127.0.0.1:${String(port)}`, stop });
    });
    void ended.then(() => {
      reject(new Error(`${fileURLToPath(file)} ended with ${String(child.exitCode)} before it listened`));
    });
  });
}

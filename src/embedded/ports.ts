import { createServer } from 'node:net';
import { EmbeddedError } from './embedded-error.ts';

/** Resolves when nothing listens on the port, else throws with the setting that changes it. */
export async function assertPortIsFree(port: number, host: string, setting: string): Promise<void> {
  const error = await tryToListen(port, host);
  if (!error) return;
  const why = error.code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on (${error.message})`;
  throw new EmbeddedError(`Port ${String(port)} on ${host} ${why}: stop what uses it, or set ${setting} to another port.`);
}

/** A port that is free right now, chosen by the system. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new EmbeddedError('The system gave out no free port.');
  return address.port;
}

async function tryToListen(port: number, host: string): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

/** A port that many may knock on at once. */
import type { Server } from 'node:http';
import { createServer as createPlainServer, type AddressInfo, type ListenOptions, type Server as PlainServer } from 'node:net';

/** Connections that wait to be accepted. The kernel may hold fewer (net.core.somaxconn). */
const BACKLOG = 1_024;
/**
 * Node accepts one connection per listening socket in each round of its event loop (https://github.com/libuv/libuv/pull/3696, read 2026-11), and under load a round takes some
 * milliseconds: 500 senders that connect at once would wait for seconds. So a port has many sockets, and the kernel shares connections out.
 */
const SOCKETS = 32;
/** Where the kernel shares connections out between sockets of one port: https://nodejs.org/api/net.html#serverlistenoptions-callback (read 2026-11). */
const SHARES_OUT = process.platform === 'linux';

export interface Listener {
  port: number;
  /** Takes no more connections, answers what is under way, closes idle connections at once. */
  close: () => Promise<void>;
}

/** Rejects when somebody else listens on the port. */
export async function listen(server: Server, port: number, host: string, { sockets = SOCKETS }: { sockets?: number } = {}): Promise<Listener> {
  // A shared port would be shared with a second instance too, without a word; so it is first taken alone.
  const own = await bind(server, { port, host, exclusive: true });
  const others: PlainServer[] = [];
  if (SHARES_OUT && sockets > 1) {
    await new Promise((resolve) => server.close(resolve));
    const shared = { port: own, host, reusePort: true };
    await bind(server, shared);
    for (let count = 1; count < sockets; count++) {
      const other = createPlainServer({ allowHalfOpen: true, noDelay: true }, (socket) => server.emit('connection', socket));
      await bind(other, shared);
      others.push(other);
    }
  }
  return {
    port: own,
    close: async () => {
      const closed = [server, ...others].map((one) => new Promise((resolve) => one.close(resolve)));
      server.closeIdleConnections();
      await Promise.all(closed);
    },
  };
}

async function bind(server: PlainServer, options: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ backlog: BACKLOG, ...options }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

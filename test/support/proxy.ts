/** A wire that can be cut or frozen, between Headgate and a server. */
import { connect, createServer, type Socket } from 'node:net';

export interface Proxy {
  /** The given address, through this wire. */
  url: string;
  /** Ends every connection and refuses new ones. */
  cut: () => void;
  /** Keeps connections open and lets nothing through. */
  freeze: () => void;
  /** Breaks every connection in the middle of what it says; new ones are let through. */
  reset: () => void;
  mend: () => void;
  /** From now on new connections go to another port of the target's host. */
  pointTo: (port: number) => void;
  close: () => Promise<void>;
}

export async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url);
  let targetPort = Number(target.port);
  const pairs = new Set<[Socket, Socket]>();
  let state: 'open' | 'cut' | 'frozen' = 'open';
  const server = createServer((client) => {
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect({ host: target.hostname, port: targetPort });
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    client.on('error', end).on('close', end);
    upstream.on('error', end).on('close', end);
    client.pipe(upstream).pipe(client);
    if (state === 'frozen') hold(pair, true);
  });
  const hold = ([client, upstream]: [Socket, Socket], still: boolean): void => {
    for (const socket of [client, upstream]) {
      if (still) socket.unpipe().pause();
    }
    if (!still) client.pipe(upstream).pipe(client);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    cut: () => {
      state = 'cut';
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream.destroy();
      }
    },
    freeze: () => {
      state = 'frozen';
      for (const pair of pairs) hold(pair, true);
    },
    reset: () => {
      for (const [client, upstream] of pairs) {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      }
    },
    pointTo: (newPort) => {
      targetPort = newPort;
    },
    mend: () => {
      if (state === 'frozen') for (const pair of pairs) hold(pair, false);
      state = 'open';
    },
    close: async () => {
      for (const [client, upstream] of pairs) {
        client.destroy();
        upstream.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

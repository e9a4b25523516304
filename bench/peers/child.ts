/** What the processes of the contenders share: connections to their ledger, and telling the bench the port. */
import type { Server } from 'node:net';
import pg from 'pg';

/** Most connections of one process to its ledger. More, and fewer, were slower (README.md). */
const CONNECTIONS = 20;

export const openPool = (databaseUrl: string): pg.Pool => new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS, pipeline: true });

/** Listens on loopback, at a port that the system chooses, for as long as the bench lives. */
export function listenForBench(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
  });
  process.on('disconnect', () => process.exit());
}

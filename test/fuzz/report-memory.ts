/** Loaded into the attacked process before anything else: on SIGUSR2 it tidies up its memory and writes one line on what is left. */
import { writeSync } from 'node:fs';

declare const gc: (() => void) | undefined;

process.on('SIGUSR2', () => {
  gc?.();
  gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const sockets = process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'TCPWRAP').length;
  writeSync(1, `\n${JSON.stringify({ fuzzMemory: { rss, heapUsed, external, sockets } })}\n`);
});

/** The door on a ledger, without Temporal: what a decided ack costs. Prints its port. Argument: connection string. */
import { createServer } from 'node:http';
import { AuditLog, createApp, GroupCommit, Watchdog } from '../../src/api/index.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { BENCH_REGISTRY } from './registry.ts';

const url = process.argv[2] ?? '';
const registry = parseRegistry(BENCH_REGISTRY, 'bench.yaml', { variables: {}, sandboxAllowed: true });
const logger = createLogger({ level: 'error', pretty: false });
const metrics = createMetrics();
const ledger = openLedger({ url, logger, policies: registry.policies });
const platforms = [...new Set([...registry.destinations.values()].map((destination) => destination.platform))];
const commit = new GroupCommit({
  applyEvents: (items) => ledger.applyEvents(items),
  quarantine: (entries) => ledger.quarantine(entries),
  suspectLedger: () => undefined,
  launchLifeboat: () => Promise.reject(new Error('there is no Temporal in this bench')),
  onCommitted: () => undefined,
  logger,
  metrics,
  patienceMs: 10_000,
});
const app = createApp({
  sources: registry.sources,
  policies: registry.policies,
  watching: registry.watching,
  identify: (person) => identifyPerson(person, platforms),
  emailHash: () => undefined,
  erasing: { start: () => Promise.resolve(), progress: () => Promise.resolve('') },
  commit,
  testAlerts: () => Promise.resolve([]),
  count: () => undefined,
  ledger,
  watchdog: new Watchdog({ isLedgerUp: () => true, askTemporal: () => Promise.resolve(), monitorAge: () => Promise.resolve(0), look: () => Promise.resolve(), tell: () => Promise.resolve(), logger, metrics }),
  host: '127.0.0.1',
  readToken: undefined,
  isDraining: () => false,
  operatorTokens: [],
  audit: new AuditLog({ ledger, logger }),
  onCommitted: () => undefined,
  temporalUi: undefined,
  logger,
  metrics,
});
const server = createServer(app).listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
process.on('SIGUSR2', () => void metrics.registry.getSingleMetricAsString('headgate_commit_events').then((text) => process.stderr.write(text)));
process.on('SIGTERM', () => process.exit());

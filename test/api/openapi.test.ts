/** Nothing is public that is not described, and nothing is described that does not exist. */
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { createApp, type AppOptions } from '../../src/api/index.ts';
import { OPERATIONS } from '../../src/api/openapi/operations.ts';
import { describeApi } from '../../src/api/openapi/document.ts';
import { WEBHOOK_FIELDS } from '../../src/api/openapi/webhooks.ts';
import { webhookBody } from '../../src/api/webhook-schema.ts';
import { EVENT_NAMES } from '../../src/domain/event.ts';

/** As express 5 keeps routes. */
interface Layer {
  slash: boolean;
  match: (path: string) => boolean;
  route?: { path: string; methods: Record<string, boolean> };
  handle: { stack?: Layer[] };
}

/** Pages for people are not described. */
const isPage = (path: string): boolean => path === '/' || path === '/openapi' || path === '/runbook' || /^\/console(\/|$)/.test(path);

/** `GET /v1/events/{event_id}`. Throws where a router hangs below a path, because express does not tell which. */
function routesIn(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ slash, match, route, handle }, index) => {
    if (route) {
      const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
      return isPage(path) ? [] : Object.keys(route.methods).filter((method) => method !== '_all').map((method) => `${method.toUpperCase()} ${path}`);
    }
    if (!handle.stack || match.call(stack[index], '/console/x')) return handle.stack && slash ? routesIn(handle.stack) : [];
    throw new Error('a router is mounted below a path: give its routes whole paths, so that this test sees them');
  });
}

/** Routes are put together without anything that they talk to. */
const app = createApp({
  host: '127.0.0.1',
  sources: new Map(),
  policies: { audiences: new Map(), destinations: new Map() },
  isDraining: () => false,
} as unknown as AppOptions);
const served = routesIn((app as unknown as { router: { stack: Layer[] } }).router.stack);
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

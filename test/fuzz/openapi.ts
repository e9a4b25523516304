/** Requests made from our own `/openapi.json`: every route, in every role, with values that fit, nearly fit and do not fit. */
import fc from 'fast-check';
import type { Description, Schema } from '../../src/api/openapi/document.ts';
import { routesOf, type DescribedApi, type Received, type Route } from '../support/described-api.ts';
import type { Report } from './findings.ts';
import { leaksOfAnswer } from './leaks.ts';
import { SECRETS } from './registry.ts';
import { HOSTILE_TEXTS, valuesOf } from './schema-arbitrary.ts';
import { requestBytes, roleHeaders, signedHeaders, type Role } from './signed.ts';
import type { Target } from './target.ts';
import { exchangePatiently } from './wire.ts';

const AT_ONCE = 6;
/** Of 100 values. */
const WRONG = [0, 10, 40];

interface Made {
  route: Route;
  role: Role;
  path: string;
  query: string;
  type: string | undefined;
  body: string | undefined;
}

/** @param each requests per route */
export async function runOpenApi(target: Target, api: DescribedApi, description: Description, report: Report, { seed, each, from = 0, onlyOperation }: { seed: number; each: number; from?: number; onlyOperation?: string | undefined }): Promise<void> {
  const routes = routesOf(description).filter(({ operation }) => onlyOperation === undefined || operation.operationId === onlyOperation);
  const left = routes.flatMap((route, place) => fc.sample(requestsTo(route, description), { seed: seed + place + from, numRuns: each }).map((made) => ({ ...made, route })));
  const repeatOf = (made: Made): string => `npm run fuzz -- --seed ${String(seed)} --only ${JSON.stringify(`openapi/${made.route.operation.operationId}`)}   (${made.role}: ${made.route.method.toUpperCase()} ${made.path}${made.query} ${made.body ?? ''})`;
  const work = async (): Promise<void> => {
    for (let made = left.shift(); made && target.ended() === undefined; made = left.shift()) await sendOne(target, api, made, report, repeatOf(made));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function requestsTo(route: Route, { components: { schemas } }: Description): fc.Arbitrary<Made> {
  const { operation } = route;
  const [content] = Object.entries(operation.requestBody?.content ?? {});
  const examples = content ? Object.values(content[1].examples ?? {}).map(({ value }) => value) : [];
  const body = (wrong: number): fc.Arbitrary<string | undefined> => {
    if (!content) return fc.constant(undefined);
    const [, { schema, 'x-line-schema': line }] = content;
    const ofExample = examples.map((value) => fc.constant(value));
    const value = fc.oneof({ weight: 3, arbitrary: valuesOf(line ?? schema, schemas, wrong) }, ...ofExample.map((arbitrary) => ({ weight: 1, arbitrary })));
    const asText = (one: unknown): string => (typeof one === 'string' && line ? one : JSON.stringify(one));
    const right = line ? fc.array(value, { maxLength: 4 }).map((lines) => lines.map(asText).join('\n')) : value.map(asText);
    return wrong === 0 ? right : fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: fc.oneof(fc.string(), fc.constantFrom('', '{', '[]', 'null', '"x"', '1e400', '{}{}', '\ufeff{}')) });
  };
  const value = (schema: Schema, given: unknown[], wrong: number): fc.Arbitrary<string> =>
    fc.oneof({ weight: 100 - wrong, arbitrary: given.length > 0 ? fc.oneof(fc.constantFrom(...given), valuesOf(schema, schemas, 0)) : valuesOf(schema, schemas, 0) }, { weight: wrong, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) }).map((one) => encode(String(one)));
  const parameters = (wrong: number): fc.Arbitrary<{ path: string; query: string }> => {
    const known = operation.parameters.map(({ name, schema, examples: given = {} }) => value(schema, [...Object.values(given).map((one) => one.value), ...(KNOWN[name] ?? [])], wrong));
    return fc.tuple(fc.tuple(...known), fc.array(fc.boolean(), { minLength: known.length, maxLength: known.length }), fc.constantFrom('', '', '', 'extra=1', '__proto__=x', 'a[b]=c')).map(([values, chosen, more]) => {
      let path = route.path;
      const query: string[] = more === '' || wrong === 0 ? [] : [more];
      for (const [index, parameter] of operation.parameters.entries()) {
        const given = values[index] ?? '';
        if (parameter.in === 'path') path = path.replace(`{${parameter.name}}`, given === '' ? 'x' : given);
        else if (parameter.required || chosen[index]) query.push(`${parameter.name}=${given}`);
      }
      return { path, query: query.length === 0 ? '' : `?${query.join('&')}` };
    });
  };
  const types = [content?.[0], content?.[0], content?.[0], content?.[0], content?.[0], content?.[0], 'text/plain', undefined, 'application/json; charset=utf-8'];
  const roles: Role[] = ['nobody', 'reader', 'reader', 'reader', 'operator', 'operator', 'operator'];
  return fc.constantFrom(...WRONG).chain((wrong) => fc.record({
    route: fc.constant(route), role: fc.constantFrom(...roles), at: parameters(wrong), type: wrong === 0 ? fc.constant(content?.[0]) : fc.constantFrom(...types), body: body(wrong),
  })).map(({ at, ...made }) => ({ ...made, ...at }));
}

/** What the attacked service has by these names. */
const KNOWN: Record<string, unknown[]> = { id: ['1', '2', '3'], event_id: ['fuzz-body-1', 'fuzz-body-2', 'fuzz-raw-1'], customer_id: ['c_fuzz', 'c_raw'], source: ['demo', 'other'] };

/** As a client would, but for lone surrogates, which have no UTF-8. */
const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

async function sendOne(target: Target, api: DescribedApi, made: Made, report: Report, repeat: string): Promise<void> {
  const { route, role, path, query, type, body } = made;
  const { operationId, security } = route.operation;
  const isWebhook = security.some((one) => 'signature' in one);
  const credentials = isWebhook ? (role === 'nobody' ? {} : signedHeaders(body ?? '', secretFor(path))) : roleHeaders(role);
  const bytes = requestBytes(target, { method: route.method.toUpperCase(), path: `${path}${query}`, headers: { ...credentials, ...(type === undefined ? {} : { 'Content-Type': type }) }, ...(body === undefined ? {} : { body }) });
  const { answers: [answer], end, ms } = await exchangePatiently({ host: target.host, port: target.port, parts: [bytes], deadlineMs: target.deadlineMs });
  report.count('openapi', answer?.status ?? end, ms, operationId);
  const find = (what: string, key = what): void => {
    report.find(`openapi/${operationId}/${key.slice(0, 80)}`, `${operationId}: ${what}`, repeat);
  };
  if (!answer) {
    find(end === 'silence' ? `no answer within ${(ms / 1_000).toFixed(0)} s` : `the connection was ${end}`);
    return;
  }
  if (answer.status >= 500) find(`${String(answer.status)} ${answer.body.slice(0, 200)}`, String(answer.status));
  const received: Received = { status: answer.status, type: (answer.headers['content-type'] ?? '').split(';')[0] ?? '', text: answer.body, headers: new Headers(answer.headers['retry-after'] === undefined ? {} : { 'Retry-After': answer.headers['retry-after'] }) };
  const allowed = isWebhook ? role !== 'nobody' : security.length === 0 || security.some((one) => ('readToken' in one && role === 'reader') || ('operatorToken' in one && role === 'operator'));
  if (!allowed && answer.status < 400) find(`${role} gets ${String(answer.status)}`);
  const wrong = problemsOf(api, route, received);
  if (wrong.length > 0) find(`the answer ${String(answer.status)} is not as described: ${JSON.stringify(wrong).slice(0, 400)}`, `${String(answer.status)} ${JSON.stringify(wrong).replace(/\d+/g, '0').slice(0, 60)}`);
  for (const { what, excerpt } of leaksOfAnswer(answer.body, `${path}${query}${body ?? ''}`)) find(`the answer holds ${what}: ${excerpt}`, what);
}

function problemsOf(api: DescribedApi, route: Route, received: Received): unknown[] {
  try {
    return api.problemsOf(route, received);
  } catch (error) {
    return [`it cannot be read: ${(error as Error).message}`];
  }
}

const secretFor = (path: string): string => (path.endsWith('/reporting') ? SECRETS.reporting : path.includes('/other') ? SECRETS.otherSigning : SECRETS.signing);

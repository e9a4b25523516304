/** A client that knows of the api only what `/openapi.json` says: it sends the examples, and holds the answers to the schemas. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { sign } from '../../src/api/index.ts';
import type { DescribedOperation, Description, Schema } from '../../src/api/openapi/document.ts';

export interface Route {
  method: string;
  path: string;
  operation: DescribedOperation;
}

export const routesOf = ({ paths }: Description): Route[] => Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method, path, operation })));

/** Names of the pairs of a request and its answer, with the status that the answer has. */
export const examplesOf = ({ responses }: DescribedOperation): { name: string; status: number; body: unknown }[] =>
  Object.entries(responses).flatMap(([status, { content }]) => Object.values(content).flatMap(({ examples = {} }) => Object.entries(examples).map(([name, { value }]) => ({ name, status: Number(status), body: value }))));

export interface Credentials {
  signingSecret: (path: string) => string;
  tokens: Record<string, string>;
}

export interface Received {
  status: number;
  type: string;
  text: string;
  headers: Headers;
}

interface Sent {
  /** The example whose parameters and body are sent. */
  name: string;
  /** Which alternative of the credentials; undefined: none at all. */
  security?: number | undefined;
  /** Instead of those of the example. */
  parameters?: Record<string, string>;
  type?: string;
  body?: string;
}

export class DescribedApi {
  readonly #url: string;
  readonly #description: Description;
  readonly #credentials: Credentials;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(url: string, description: Description, credentials: Credentials) {
    this.#url = url;
    this.#description = description;
    this.#credentials = credentials;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: 'openapi', components: { schemas: closed(description.components.schemas) } });
  }

  async send({ method, path, operation }: Route, { name, security, parameters = {}, type, body }: Sent): Promise<Received> {
    const [described] = Object.entries(operation.requestBody?.content ?? {});
    const value = (parameter: DescribedOperation['parameters'][number]) => parameters[parameter.name] ?? (parameter.examples?.[name]?.value as string | number | undefined);
    const query = new URLSearchParams();
    let filled = path;
    for (const parameter of operation.parameters) {
      const given = value(parameter);
      if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(String(given)));
      else if (given !== undefined) query.set(parameter.name, String(given));
    }
    const example = described?.[1].examples?.[name]?.value;
    const text = body ?? (typeof example === 'string' || example === undefined ? example : JSON.stringify(example));
    const headers = { ...(described ? { 'content-type': type ?? described[0] } : {}), ...(security === undefined ? {} : this.#sign(operation.security[security] ?? {}, filled, text ?? '')) };
    const search = query.size === 0 ? '' : `?${query.toString()}`;
    const response = await fetch(`${this.#url}${filled}${search}`, { method: method.toUpperCase(), headers, ...(text === undefined || method === 'get' ? {} : { body: text }) });
    return { status: response.status, type: (response.headers.get('content-type') ?? '').split(';')[0] ?? '', text: await response.text(), headers: response.headers };
  }

  #sign(required: Record<string, string[]>, path: string, body: string): Record<string, string> {
    const timestamp = String(Math.floor(Date.now() / 1_000));
    return Object.fromEntries(
      Object.keys(required).map((scheme) => {
        const token = this.#credentials.tokens[scheme];
        if (token !== undefined) return ['authorization', `Bearer ${token}`];
        const { name } = this.#description.components.securitySchemes[scheme] as { name: string };
        return [name, scheme === 'signatureTime' ? timestamp : sign(this.#credentials.signingSecret(path), timestamp, body)];
      }),
    );
  }

  /** What is wrong with an answer: its status and type have to be described, and it has to fit. */
  problemsOf({ operation }: Route, { status, type, text, headers }: Received): unknown[] {
    const described = operation.responses[status];
    if (!described) return [`${String(status)} is not described: ${text}`];
    const content = described.content[type];
    if (!content) return [`${type} is not described for ${String(status)}`];
    const line = content['x-line-schema'];
    const values: unknown[] = type === 'text/plain' ? [text] : line ? text.split('\n').filter((one) => one !== '').map((one) => JSON.parse(one) as unknown) : [JSON.parse(text)];
    const missing = Object.keys(described.headers ?? {}).filter((name) => status === 503 && !headers.has(name));
    return [...missing.map((name) => `${name} is missing`), ...values.flatMap((value) => this.check(line ?? content.schema, value))];
  }

  check(schema: Schema, value: unknown): unknown[] {
    const validate: ValidateFunction = this.#ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components')) as object);
    return validate(value) ? [] : (validate.errors ?? []).map(({ instancePath, message, params }) => ({ instancePath, message, params }));
  }
}

/** Answers are described as open to more fields, which would hide one that is not described. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, key === 'default' || key === 'enum' ? (value as unknown) : closed(value)]));
  const isObject = typeof inner['properties'] === 'object' && inner['type'] === 'object' && inner['additionalProperties'] === undefined;
  return isObject ? { ...inner, additionalProperties: false } : inner;
}

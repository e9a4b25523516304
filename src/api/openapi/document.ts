/** The description of the api in OpenAPI 3.1, made of operations.ts and the zod schemas that the routes read by. Made once, when it is first asked for. */
import { z } from 'zod';
import { LICENSE, VERSION } from '../../version.ts';
import { refusal } from './answers.ts';
import { ANSWERS } from './named-answers.ts';
import type { Answer, Body, Example, Guard, Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';

export type Schema = z.core.JSONSchema.BaseSchema;
type Examples = Record<string, { summary: string; value: unknown }>;

export interface DescribedParameter {
  name: string;
  in: 'path' | 'query';
  required: boolean;
  description?: string;
  schema: Schema;
  examples?: Examples;
}

interface Content {
  schema: Schema;
  /** Of NDJSON: of each line. */
  'x-line-schema'?: Schema;
  examples?: Examples;
}

export interface DescribedAnswer {
  description: string;
  headers?: Record<string, { description: string; schema: Schema }>;
  content: Record<string, Content>;
  links?: Record<string, { operationId: string; parameters: Record<string, string> }>;
}

export interface DescribedOperation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters: DescribedParameter[];
  requestBody?: { required: true; content: Record<string, Content> };
  responses: Record<string, DescribedAnswer>;
}

export interface Description {
  openapi: '3.1.0';
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } };
  tags: { name: string; description: string }[];
  security: Record<string, string[]>[];
  paths: Record<string, Partial<Record<'get' | 'post', DescribedOperation>>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
}

const INTRODUCTION = `Headgate receives Customer.io's webhooks and keeps ad audiences, the warehouse and other tools equal to what Customer.io decided.

Times are ISO 8601 in UTC. Answers may get more fields with time, and never lose one without a new path. Refusals say in \`problem\` what is wrong and what to do.`;

const GROUPS: Record<string, string> = {
  Webhooks: 'What Customer.io posts.',
  'Events and people': 'What became of things, and why.',
  Audiences: 'Who is in them, and how the platforms stand.',
  Exposures: "The analyst's rows, and their way to warehouses.",
  Actions: 'Tools that `cio.forward` events go to.',
  Quarantine: 'What could not be understood, until somebody decides.',
  Erasures: 'Taking a person out of everything.',
  Alerts: 'What is wrong, and who looks after it.',
  'Audit log': 'What operators did.',
  Service: 'What machines ask.',
};

const LOOPBACK = 'Not needed from the same machine while Headgate listens on loopback only and has no such token.';
const SCHEMES = {
  signature: { type: 'apiKey', in: 'header', name: 'X-CIO-Signature', description: "Lower-case hex HMAC-SHA256 of `v0:<X-CIO-Timestamp>:<raw body>` with the source's `signing_secret` (of the reporting feed: `reporting_secret`)." },
  signatureTime: { type: 'apiKey', in: 'header', name: 'X-CIO-Timestamp', description: 'Seconds since 1970, as they were signed. Not older than the `signature_age` of the source.' },
  sourceToken: { type: 'http', scheme: 'bearer', description: 'A `bearer_token` of the source, where it has one, instead of a signature.' },
  readToken: { type: 'http', scheme: 'bearer', description: `HEADGATE_READ_TOKEN. ${LOOPBACK}` },
  operatorToken: { type: 'http', scheme: 'bearer', description: `HEADGATE_OPERATOR_TOKEN, or one of HEADGATE_OPERATOR_TOKENS: of everything that changes something. ${LOOPBACK}` },
};

const unauthorised: Answer = { description: 'The credentials are missing or wrong.', schema: refusal };
const unavailable: Answer = { description: 'The ledger does not answer right now: try again.', schema: refusal, headers: { 'Retry-After': 'Seconds to wait.' } };
const unreadable: Answer = { description: 'The address or a value cannot be read, or holds what cannot be stored, such as a NUL character.', schema: refusal };
const tooMany: Answer = { description: 'Too many wrong tokens from this address. The right one is taken all the same.', schema: refusal, headers: { 'Retry-After': 'Seconds to wait.' } };
const GUARDS: Record<Guard, { security: DescribedOperation['security']; answers: Record<number, Answer> }> = {
  webhook: { security: [{ signature: [], signatureTime: [] }, { sourceToken: [] }], answers: { 401: unauthorised } },
  reading: { security: [{ readToken: [] }], answers: { 401: unauthorised, 429: tooMany, 503: unavailable } },
  operating: { security: [{ operatorToken: [] }], answers: { 401: unauthorised, 429: tooMany, 503: unavailable } },
  open: { security: [], answers: {} },
};

/** Makes it anew; routes.ts keeps what it says. */
export function describeApi(): Description {
  const paths: Description['paths'] = {};
  for (const operation of OPERATIONS) paths[operation.path] = { ...paths[operation.path], [operation.method]: describeOperation(operation) };
  return {
    openapi: '3.1.0',
    info: { title: 'Headgate', version: VERSION, description: INTRODUCTION, license: { name: LICENSE, identifier: LICENSE } },
    tags: [...new Set(OPERATIONS.map(({ group }) => group))].map((name) => ({ name, description: GROUPS[name] ?? '' })),
    security: [],
    paths,
    components: { schemas: { ...answerSchemas(), ...bodySchemas() }, securitySchemes: SCHEMES },
  };
}

function describeOperation(operation: Operation): DescribedOperation {
  const { security, answers } = GUARDS[operation.guard];
  const takesValues = operation.inPath ?? operation.query ?? operation.body;
  const all = { ...answers, ...(takesValues ? { 400: unreadable } : {}), ...operation.answers };
  return {
    operationId: operation.id,
    tags: [operation.group],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security,
    parameters: [...pathParameters(operation), ...queryParameters(operation)],
    ...(operation.body ? { requestBody: { required: true, content: { [operation.body.type]: describeBody(operation.body, operation.examples) } } } : {}),
    responses: Object.fromEntries(Object.entries(all).map(([status, answer]) => [status, describeAnswer(operation, Number(status), answer)])),
  };
}

const examplesOf = (examples: readonly Example[], value: (example: Example) => unknown): { examples?: Examples } => {
  const given = examples.map((example): [string, Examples[string]] => [example.name, { summary: example.summary, value: value(example) }]).filter(([, one]) => one.value !== undefined);
  return given.length === 0 ? {} : { examples: Object.fromEntries(given) };
};

const pathParameters = ({ inPath = {}, examples }: Operation): DescribedParameter[] =>
  Object.entries(inPath).map(([name, description]) => ({ name, in: 'path', required: true, description, schema: { type: 'string' }, ...examplesOf(examples, ({ path }) => path?.[name]) }));

function queryParameters({ query, examples }: Operation): DescribedParameter[] {
  if (!query) return [];
  const { properties = {}, required = [] } = inputSchema(query.schema);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(query.descriptions?.[name] === undefined ? {} : { description: query.descriptions[name] }),
    schema: schema as Schema,
    ...examplesOf(examples, (example) => example.query?.[name]),
  }));
}

const reference = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

const describeBody = ({ type, name }: Body, examples: readonly Example[]): Content => ({
  ...(type === JSON_TYPE ? { schema: reference(name) } : { schema: { type: 'string' }, 'x-line-schema': reference(name) }),
  ...examplesOf(examples, ({ body }) => body),
});

const JSON_TYPE = 'application/json';

function describeAnswer({ examples, link }: Operation, status: number, { description, type = JSON_TYPE, schema, headers }: Answer): DescribedAnswer {
  const known = schema && ANSWERS.get(schema)?.id;
  const shape = known === undefined ? withoutHead(z.toJSONSchema(schema ?? z.string())) : reference(known);
  return {
    description,
    ...(headers ? { headers: Object.fromEntries(Object.entries(headers).map(([name, what]) => [name, { description: what, schema: { type: 'string' as const } }])) } : {}),
    content: {
      [type]: {
        ...(type === JSON_TYPE || schema === undefined ? { schema: shape } : { schema: { type: 'string' }, 'x-line-schema': shape }),
        ...examplesOf(examples.filter(({ answer }) => answer.status === status), ({ answer }) => answer.body),
      },
    },
    ...(link?.status === status ? { links: { [link.to]: { operationId: link.to, parameters: { [link.parameter]: `$response.body#/${link.from}` } } } } : {}),
  };
}

/** Open, because a client that refuses a field that it does not know breaks when there is one more. */
function answerSchemas(): Record<string, Schema> {
  const { schemas } = z.toJSONSchema(ANSWERS, { uri: (id) => `#/components/schemas/${id}`, override: ({ jsonSchema }) => { if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties; } });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutHead(schema)]));
}

function bodySchemas(): Record<string, Schema> {
  const bodies = OPERATIONS.flatMap(({ body }) => (body ? [body] : []));
  return Object.fromEntries(bodies.map((body) => [body.name, bodySchema(body)]));
}

function bodySchema({ schema, descriptions = {}, lenient = false }: Body): Schema {
  const made = inputSchema(schema);
  for (const [name, property] of Object.entries(made.properties ?? {})) {
    if (typeof property === 'object' && descriptions[name] !== undefined) property.description = descriptions[name];
  }
  return lenient ? withAbsent(made) : made;
}

/** What the routes take: before defaults are filled in and texts are read. */
const inputSchema = (schema: z.ZodType): Schema => withoutHead(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));

const HEAD = new Set(['$schema', '$id', '~standard']);

function withoutHead(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !HEAD.has(key)));
}

/** Fields that need not be there may be empty, and ids may be numbers: Liquid renders what it has. */
function withAbsent(schema: Schema): Schema {
  const entries = Object.entries(schema.properties ?? {}) as [string, Schema][];
  const properties = entries.map(([name, property]): [string, Schema] => {
    if (schema.required?.includes(name)) return [name, property];
    const inner = property.properties ? withAbsent(property) : property;
    if (inner.enum) return [name, { ...inner, type: ['string', 'null'] as never, enum: [...inner.enum, '', null] }];
    const types = { string: ['string', 'number', 'null'], number: ['number', 'string', 'null'], object: ['object', 'null'] }[String(inner.type)];
    return [name, types ? { ...inner, type: types as never } : inner];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** The description as a page: plain HTML without scripts, readable on a phone, by keyboard, light and dark. */
import { hash } from 'node:crypto';
import type { Description, DescribedAnswer, DescribedOperation, DescribedParameter, Schema } from './document.ts';
import { PAGE_STYLE } from './page-style.ts';

export const PAGE_POLICY = `default-src 'none'; style-src 'sha256-${hash('sha256', PAGE_STYLE, 'base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
/** With `code` in backticks. */
const prose = (text: string | undefined): string => escaped(text ?? '').replace(/`([^`]+)`/g, '<code>$1</code>');
const paragraphs = (text: string | undefined): string => (text ?? '').split('\n\n').filter((one) => one !== '').map((one) => `<p>${prose(one)}</p>`).join('');

interface Placed {
  method: string;
  path: string;
  operation: DescribedOperation;
}

export function renderPage(description: Description): string {
  const all = Object.entries(description.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]): Placed => ({ method, path, operation })));
  const groups = description.tags.map((tag) => ({ ...tag, operations: all.filter(({ operation }) => operation.tags.includes(tag.name)) }));
  const page = new Page(description);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Headgate API ${escaped(description.info.version)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<nav aria-label="Operations">
<p class="title"><a href="#content">Headgate API</a> <small>${escaped(description.info.version)}</small></p>
${groups.map(({ name, operations }) => `<h2>${escaped(name)}</h2><ul>${operations.map((one) => `<li><a href="#${one.operation.operationId}"><b class="${one.method}">${one.method}</b> ${escaped(one.path)}</a></li>`).join('')}</ul>`).join('')}
</nav>
<main id="content">
<h1>Headgate API</h1>
${paragraphs(description.info.description)}
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
${page.credentials()}
${groups.map(({ name, description: what, operations }) => `<section><h2>${escaped(name)}</h2><p>${prose(what)}</p>${operations.map((one) => page.operation(one)).join('')}</section>`).join('')}
</main>
</body>
</html>
`;
}

/** Schemas that lie deeper than this are shown in openapi.json only. */
const DEEPEST = 5;

class Page {
  readonly #schemas: Record<string, Schema>;
  readonly #schemes: [string, { name?: string; description?: string }][];

  constructor({ components }: Description) {
    this.#schemas = components.schemas;
    this.#schemes = Object.entries(components.securitySchemes);
  }

  credentials(): string {
    return `<section><h2>Credentials</h2><dl>${this.#schemes.map(([name, { name: header, description }]) => `<dt id="${name}"><code>${header ?? 'Authorization: Bearer …'}</code> <small>${name}</small></dt><dd>${prose(description)}</dd>`).join('')}</dl></section>`;
  }

  operation({ method, path, operation }: Placed): string {
    const needs = operation.security.map((one) => Object.keys(one).map((name) => `<a href="#${name}">${name}</a>`).join(' with ')).join(', or ');
    const [[type, body] = []] = Object.entries(operation.requestBody?.content ?? {});
    return `<article id="${operation.operationId}" aria-labelledby="${operation.operationId}-title">
<h3 id="${operation.operationId}-title"><b class="${method}">${method}</b> <code>${escaped(path)}</code></h3>
<p class="summary">${prose(operation.summary)}</p>
${paragraphs(operation.description)}
<p class="needs">${needs === '' ? 'Needs no credentials.' : `Needs ${needs}.`}</p>
${this.#parameters(operation.parameters)}
${body && type !== undefined ? `<h4>Body <small>${escaped(type)}</small></h4>${this.#fields(body['x-line-schema'] ?? body.schema)}${Object.entries(body.examples ?? {}).map(([, one]) => example(one.summary, one.value)).join('')}` : ''}
<h4>Answers</h4>
${Object.entries(operation.responses).map(([status, answer]) => this.#answer(status, answer)).join('')}
</article>`;
  }

  #parameters(parameters: readonly DescribedParameter[]): string {
    if (parameters.length === 0) return '';
    return `<h4>Parameters</h4><dl>${parameters.map(({ name, in: where, required, description, schema }) => `<dt><code>${escaped(name)}</code> <small>${where}, ${this.#type(schema)}${required ? ', required' : ''}${schema.default === undefined ? '' : `, default ${escaped(JSON.stringify(schema.default))}`}</small></dt><dd>${prose(description)}</dd>`).join('')}</dl>`;
  }

  #answer(status: string, { description, content, headers = {} }: DescribedAnswer): string {
    const [[type, { schema, 'x-line-schema': line, examples = {} }] = ['', { schema: {} }]] = Object.entries(content);
    const kind = status.startsWith('2') ? 'good' : 'bad';
    const said = Object.entries(headers).map(([name, header]) => `<dt><code>${escaped(name)}</code> <small>header</small></dt><dd>${prose(header.description)}</dd>`);
    return `<details class="${kind}"><summary><b>${status}</b> ${prose(description)}</summary><p><small>${escaped(type)}</small></p>${said.length > 0 ? `<dl>${said.join('')}</dl>` : ''}${this.#fields(line ?? schema)}${Object.values(examples).map((one) => example(one.summary, one.value)).join('')}</details>`;
  }

  /** The fields of an object, those of objects in it below them. */
  #fields(given: Schema, depth = 0): string {
    const schema = this.#resolved(given);
    if (depth > DEEPEST) return '';
    if (schema.anyOf) return schema.anyOf.map((one) => this.#fields(one, depth)).filter((one) => one !== '').join('<p><small>or</small></p>');
    if (schema.items) return this.#fields(schema.items as Schema, depth);
    const entries = Object.entries(schema.properties ?? {}) as [string, Schema][];
    if (entries.length === 0) return '';
    return `<dl>${entries.map(([name, property]) => {
      const text = property.description ?? this.#resolved(property).description;
      const required = schema.required?.includes(name) === true;
      return `<dt><code>${escaped(name)}</code> <small>${required ? this.#type(property) : `${this.#type(property).replace(/ or null$/, '')}, optional`}</small></dt><dd>${prose(text)}${this.#fields(property, depth + 1)}</dd>`;
    }).join('')}</dl>`;
  }

  #type(given: Schema): string {
    const schema = this.#resolved(given);
    if (schema.anyOf) return [...new Set(schema.anyOf.map((one) => this.#type(one)))].join(' or ');
    if (schema.const !== undefined) return `<code>${escaped(JSON.stringify(schema.const))}</code>`;
    if (schema.enum) return schema.enum.map((one) => `<code>${escaped(String(one === '' ? '""' : one))}</code>`).join(' ');
    if (schema.format !== undefined) return schema.format === 'date-time' ? 'time' : escaped(schema.format);
    if (schema.items) return `list of ${this.#type(schema.items as Schema)}`;
    const types = (Array.isArray(schema.type) ? schema.type : [schema.type ?? 'anything']);
    return types.join(' or ');
  }

  #resolved(schema: Schema): Schema {
    const name = schema.$ref?.split('/').at(-1);
    return name === undefined ? schema : { ...this.#schemas[name], ...(schema.description === undefined ? {} : { description: schema.description }) };
  }
}

const example = (summary: string, value: unknown): string =>
  `<figure><figcaption>${prose(summary)}</figcaption><pre tabindex="0">${escaped(typeof value === 'string' ? value : JSON.stringify(value, null, 2))}</pre></figure>`;

/** Bodies that a signed sender could send: JSON at the edges of JSON, and values at the edges of what anything behind the door takes. */
import { EMAIL, PHONE } from './leaks.ts';
import { AUDIENCE } from './registry.ts';

export interface HostileBody {
  name: string;
  body: Buffer | string;
  /** Sent to the reporting feed instead of the door. */
  report?: boolean;
}

const DEEP = 100_000;
let count = 0;
const id = (): string => `fuzz-body-${String(++count)}`;

/** A webhook that would be taken, with more in it. Later members win, as JSON has it. */
const webhook = (more: string, eventId = id()): string => `{"schema_version":1,"event_id":"${eventId}","event":"cio.audience_add","audience_key":"${AUDIENCE}","customer_id":"c_fuzz","email":"${EMAIL}","phone":"${PHONE}"${more === '' ? '' : `,${more}`}}`;
const report = (more: string, eventId = id()): string => `{"event_id":"${eventId}","object_type":"email","metric":"sent","timestamp":${String(Math.floor(Date.now() / 1_000))}${more === '' ? '' : `,${more}`}}`;

const NUMBERS = ['1e400', '-1e400', '-0', '0', '9007199254740993', '1e21', '1E-400', '99999999999999999999999999999999', '0.1e1', '-1', '1.7976931348623157e308', '2147483648', '9223372036854775808'];
const PROTOTYPE = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'toJSON', 'then', 'length', '__defineGetter__', ''];
const FIELDS = ['schema_version', 'event_id', 'event', 'audience_key', 'exposure', 'action', 'timestamp', 'customer_id', 'cio_id', 'email', 'phone', 'profile', 'consent', 'context', 'attributes'];
const TEXTS = ['\\u0000', 'a\\u0000b', '\\ud800', '\\udfff\\ud800', '\\ufeff', '\\u202e\\u2066abc', '\\r\\nSet-Cookie: a=b', '\\u001b[31mred\\u001b[0m', "'; drop table events; --", '{{ 7 | times: 7 }}', '${jndi:ldap://x}', '<script>alert(1)</script>', '../../etc/passwd', '%00', '\\u200b', 'İ', 'ﬃ', '\\ud83d\\uded2'];

export function hostileBodies(): HostileBody[] {
  const text = (name: string, body: Buffer | string): HostileBody => ({ name, body });
  const both = (name: string, more: string): HostileBody[] => [{ name, body: webhook(more) }, { name: `${name}, reported`, body: report(`"data":{"identifiers":{"id":"c_fuzz","email":"${EMAIL}"},${more}}`), report: true }];
  return [
    text('nothing', ''), text('a space', ' '), text('null', 'null'), text('true', 'true'), text('a number', '1e400'), text('a text', '"x"'), text('an array', '[]'), text('an array of webhooks', `[${webhook('')}]`), text('an empty object', '{}'),
    text('a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(webhook(''))])),
    text('UTF-16', Buffer.from(`\ufeff${webhook('')}`, 'utf16le')),
    text('invalid UTF-8', Buffer.concat([Buffer.from('{"schema_version":1,"event_id":"'), Buffer.from([0xff, 0xc0, 0xaf, 0xed, 0xa0, 0x80]), Buffer.from('"}')])),
    text('invalid UTF-8 in an attribute', Buffer.concat([Buffer.from(webhook('"attributes":{"a":"').slice(0, -1)), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('"}}')])),
    text('NUL bytes', Buffer.from(`${webhook('')}\0\0\0`)), text('only NUL bytes', Buffer.alloc(1_000)),
    text('two documents', webhook('') + webhook('')), text('a trailing comma', webhook('').replace(/}$/, ',}')), text('comments', `/* x */ ${webhook('')}`), text('single quotes', webhook('').replaceAll('"', "'")), text('NaN', webhook('"attributes":{"a":NaN}')),
    text('text that is not closed', webhook('').slice(0, -10)), text('an escape that is cut', webhook('"attributes":{"a":"\\u00').slice(0, -1)),
    ...['[', '{"a":', '[{"a":'].map((opening) => text(`${JSON.stringify(opening)} ${String(DEEP)} times and not closed`, opening.repeat(Math.floor(DEEP / opening.length)))),
    ...both(`arrays ${String(DEEP)} deep`, `"attributes":{"a":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`),
    ...both('objects 40,000 deep', `"attributes":{"a":${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}}`),
    ...both('an unknown field that is deep', `"fuzz":${'['.repeat(DEEP)}${']'.repeat(DEEP)}`),
    ...FIELDS.map((field) => text(`${field} that is deep`, webhook(`"${field}":${'['.repeat(50_000)}${']'.repeat(50_000)}`))),
    ...both('an array of 60,000', `"attributes":{"a":[${'1,'.repeat(60_000)}1]}`),
    ...both('20,000 fields', `"attributes":{${Array.from({ length: 20_000 }, (_, index) => `"k${String(index)}":1`).join(',')}}`),
    ...both('one field 20,000 times', `"attributes":{${'"k":1,'.repeat(20_000)}"k":2}`),
    ...both('200 KiB of e-mail addresses', `"attributes":{"a":"${'a@b.cc '.repeat(29_000)}"}`),
    ...both('200 KiB of phone numbers', `"attributes":{"a":"${'+123456789 '.repeat(18_000)}"}`),
    ...both('200 KiB of @', `"attributes":{"a":"${'@'.repeat(200_000)}"}`),
    ...both('200 KiB of almost an e-mail address', `"attributes":{"a":"${'a.'.repeat(50_000)}@${'b.'.repeat(40_000)}"}`),
    ...both('200 KiB of digits', `"attributes":{"a":"+${'1'.repeat(200_000)}"}`),
    ...both('200 KiB of + and digits', `"attributes":{"a":"${'+1 '.repeat(60_000)}"}`),
    text('the own phone 30,000 times', webhook(`"phone":"11111","attributes":{"a":"${'11111 '.repeat(30_000)}"}`)),
    text('a name of 100 KiB', webhook(`"attributes":{"${'k'.repeat(100_000)}":1}`)),
    ...PROTOTYPE.flatMap((name) => [
      ...both(`${JSON.stringify(name)} in the attributes`, `"attributes":{"${name}":{"isAdmin":true,"${name}":"x"}},"context":{"${name}":{"campaign_id":1}}`),
      text(`${JSON.stringify(name)} in the body`, webhook(`"${name}":{"event":"cio.exposure","toString":1}`)),
      text(`${JSON.stringify(name)} in the profile`, webhook(`"profile":{"${name}":{"country":"US"},"country":"US"},"consent":{"${name}":"denied"}`)),
      ...['audience_key', 'event', 'action', 'customer_id', 'event_id'].map((field) => text(`${field} ${JSON.stringify(name)}`, webhook(`"${field}":"${name}"${field === 'action' ? ',"event":"cio.forward"' : ''}`))),
      { name: `${JSON.stringify(name)} as object_type and metric`, body: `{"event_id":"${id()}","object_type":"${name}","metric":"${name}","data":{"${name}":{"x":1},"identifiers":{"${name}":1}}}`, report: true },
    ]),
    ...NUMBERS.flatMap((number) => FIELDS.map((field) => text(`${field}: ${number}`, webhook(`"${field}":${number}`)))),
    ...NUMBERS.flatMap((number) => [text(`an attribute ${number}`, webhook(`"attributes":{"a":${number}},"context":{"campaign_id":${number},"delivery_id":${number},"step_id":${number}}`)), { name: `a report of ${number}`, body: report(`"timestamp":${number},"data":{"campaign_id":${number},"link_id":${number},"action_id":${number},"identifiers":{"id":${number}}}`), report: true }, { name: `event_id ${number}, reported`, body: `{"event_id":${number},"metric":${number},"object_type":${number}}`, report: true }]),
    ...TEXTS.flatMap((given) => FIELDS.map((field) => text(`${field}: ${given}`, webhook(`"${field}":"${given}"`)))),
    ...TEXTS.flatMap((given) => both(`a text ${given}`, `"attributes":{"${given}":"${given}","list":["${given}"]},"context":{"campaign_name":"${given}","delivery_id":"${given}"}`)),
    ...TEXTS.map((given) => text(`a forward of ${given}`, webhook(`"event":"cio.forward","action":"ops_slack","attributes":{"cart_value":"${given}"},"context":{"campaign_name":"${given}"}`))),
    ...TEXTS.map((given): HostileBody => ({ name: `a report of ${given}`, body: `{"event_id":"${id()}","object_type":"${given}","metric":"${given}","data":{"identifiers":{"id":"${given}","email":"${given}"},"delivery_id":"${given}","href":"${given}","failure_message":"${given}"}}`, report: true })),
    ...['true', 'false', 'null', '[]', '{}', '[null]', '{"a":null}', '[[[]]]'].flatMap((value) => FIELDS.map((field) => text(`${field}: ${value}`, webhook(`"${field}":${value}`)))),
    { name: 'a report with a new field of 3 MiB', body: report(`"data":{"identifiers":{"id":"c_fuzz"},"html":"${'<p>'.repeat(1_000_000)}"}`), report: true },
    { name: 'a report with 300,000 new fields', body: report(`"data":{"identifiers":{"id":"c_fuzz"},${Array.from({ length: 300_000 }, (_, index) => `"k${String(index)}":1`).join(',')}}`), report: true },
    { name: 'a report that is not closed, of 3 MiB', body: `{"event_id":"x","data":"${'a@b.cc +1234567890 '.repeat(150_000)}`, report: true },
    { name: `a report ${String(4_000_000)} deep`, body: '['.repeat(4_000_000), report: true },
  ];
}

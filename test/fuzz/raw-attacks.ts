/** What is sent over plain sockets: HTTP that is broken, ambiguous, oversized or something else altogether. */
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { Exchange } from './wire.ts';
import { requestBytes, roleHeaders, signedHeaders, webhookBytes } from './signed.ts';
import type { Target } from './target.ts';

export interface RawAttack {
  kind: string;
  name: string;
  parts: readonly (Buffer | string | number)[];
  /** How many answers to wait for; 0: until the connection is closed. Default 1. */
  answers?: number;
  halfClose?: boolean;
  abort?: boolean;
  /** Statuses that are right; `closed`: an end without an answer. Default: anything that is no 5xx. */
  right?: readonly (number | 'closed')[];
  /** What else has to be true; returns what is wrong. */
  check?: (seen: Exchange) => string | undefined;
  deadlineMs?: number;
}

type At = Pick<Target, 'host' | 'port'>;

const EVENT = JSON.stringify({ schema_version: 1, event_id: 'fuzz-raw-1', event: 'cio.exposure', exposure: 'x', customer_id: 'c_raw' });
const HIDDEN = 'GET /v1/hidden-in-the-body HTTP/1.1\r\nHost: x\r\n\r\n';
const KIB = 1024;
const MIB = 1024 * KIB;

/** Two readings of one message are how a request is hidden from a proxy: at most one answer, and the connection ends. */
const notTwo = (seen: Exchange): string | undefined => (seen.text.includes('hidden-in-the-body') || seen.answers.length > 1 ? `the hidden request was read as one of its own: ${seen.text.slice(0, 300)}` : undefined);
const only = (...right: (number | 'closed')[]): Pick<RawAttack, 'right'> => ({ right });
const REFUSED = [400, 'closed'] as const;

export function rawAttacks(at: At): RawAttack[] {
  return [...headerAttacks(at), ...framingAttacks(at), ...targetAttacks(at), ...methodAttacks(at), ...bodyAttacks(at), ...otherProtocols(at), ...pipelining(at)];
}

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;
const POST = 'POST /v1/webhooks/demo HTTP/1.1';
const HOST = 'Host: x';

function headerAttacks(at: At): RawAttack[] {
  const kind = 'headers';
  const signed = Object.entries(signedHeaders(EVENT));
  const signedLines = signed.map(([name, value]) => `${name}: ${value}`);
  const post = (...lines: string[]): string => head(POST, HOST, 'Content-Type: application/json', `Content-Length: ${String(EVENT.length)}`, ...lines) + EVENT;
  const [time = '', signature = ''] = signedLines;
  return [
    { kind, name: 'a header of 64 KiB', parts: [head('GET /healthz HTTP/1.1', HOST, `X-Long: ${'a'.repeat(64 * KIB)}`)], ...only(431, 'closed') },
    { kind, name: 'a header of 4 MiB', parts: [head('GET /healthz HTTP/1.1', HOST, `X-Long: ${'a'.repeat(4 * MIB)}`)], ...only(431, 'closed') },
    { kind, name: 'a header name of 64 KiB', parts: [head('GET /healthz HTTP/1.1', HOST, `${'a'.repeat(64 * KIB)}: x`)], ...only(431, 'closed') },
    { kind, name: '10,000 headers', parts: [head('GET /healthz HTTP/1.1', HOST, ...Array.from({ length: 10_000 }, (_, index) => `x${String(index)}: ${String(index)}`))], ...only(431, 'closed') },
    { kind, name: '1,900 small headers', parts: [head('GET /healthz HTTP/1.1', HOST, ...Array.from({ length: 1_900 }, () => 'a: b'))], ...only(200, 431) },
    { kind, name: 'a NUL in a value', parts: [head('GET /healthz HTTP/1.1', HOST, 'X-Nul: a\0b')], right: REFUSED },
    { kind, name: 'a NUL in a name', parts: [head('GET /healthz HTTP/1.1', HOST, 'X-N\0ul: ab')], right: REFUSED },
    { kind, name: 'a bare CR in a value', parts: [head('GET /healthz HTTP/1.1', HOST, 'X-Cr: a\rInjected: b')], right: REFUSED },
    { kind, name: 'a bare LF as the end of a line', parts: ['GET /healthz HTTP/1.1\nHost: x\n\n'], right: [200, ...REFUSED] },
    { kind, name: 'a folded header', parts: [head('GET /healthz HTTP/1.1', HOST, 'X-Folded: a', ' b')], right: [200, ...REFUSED] },
    { kind, name: 'a space before the colon', parts: [head(POST, HOST, 'Content-Length : 5') + '{"a":'], right: REFUSED },
    { kind, name: 'no colon at all', parts: [head('GET /healthz HTTP/1.1', HOST, 'nothing here')], right: REFUSED },
    { kind, name: 'an empty name', parts: [head('GET /healthz HTTP/1.1', HOST, ': x')], right: REFUSED },
    { kind, name: 'bytes above ASCII in a name', parts: [Buffer.from(head('GET /healthz HTTP/1.1', HOST, 'X-\xff\xfe: x'), 'latin1')], right: REFUSED },
    { kind, name: 'bytes above ASCII in the token', parts: [Buffer.from(head('GET /v1/audiences HTTP/1.1', HOST, 'Authorization: Bearer \xff\xfe\x80'), 'latin1')], ...only(401) },
    { kind, name: 'CRLF injection by an encoded path', parts: [head('GET /v1/events/x%0d%0aSet-Cookie:%20a=b HTTP/1.1', HOST, 'Authorization: Bearer none')], check: ({ answers: [answer] }) => (answer?.headers['set-cookie'] ? 'the answer has a header that the path asked for' : undefined) },
    { kind, name: 'CRLF injection into a redirect', parts: [head('GET /console/sign-in?next=/console%0d%0aX-Injected:%20yes HTTP/1.1', HOST)], check: ({ answers: [answer] }) => (answer?.headers['x-injected'] ? 'the answer has a header that the query asked for' : undefined) },
    { kind, name: 'no Host', parts: ['GET /healthz HTTP/1.1\r\n\r\n'], ...only(400, 200) },
    { kind, name: 'two Hosts', parts: [head('GET /healthz HTTP/1.1', HOST, 'Host: y')], ...only(400, 200) },
    { kind, name: 'a Host that is no host', parts: [head('GET /console HTTP/1.1', 'Host: <script>alert(1)</script>')], check: ({ text }) => (text.includes('<script>alert') ? 'the host is echoed as HTML' : undefined) },
    { kind, name: 'a second signature, wrong', parts: [post(time, signature, 'X-CIO-Signature: 00')], ...only(401) },
    { kind, name: 'a second signature before the right one', parts: [post(time, 'X-CIO-Signature: 00', signature)], ...only(401) },
    { kind, name: 'the right signature twice', parts: [post(time, signature, signature)], ...only(401) },
    { kind, name: 'two timestamps', parts: [post(time, time, signature)], ...only(401) },
    { kind, name: 'a signature in another case of the name', parts: [post(time.toLowerCase(), signature.replace('X-CIO-Signature', 'x-CIO-SIGNATURE'))], ...only(200) },
    { kind, name: 'a forged X-Forwarded-For and Forwarded', parts: [head('POST /v1/quarantine/replay HTTP/1.1', HOST, 'X-Forwarded-For: 127.0.0.1', 'Forwarded: for=127.0.0.1', 'Content-Length: 0')], ...only(401) },
    { kind, name: 'another method by a header', parts: [requestBytes(at, { path: '/v1/audiences', headers: { ...roleHeaders('reader'), 'X-HTTP-Method-Override': 'DELETE' } })], ...only(200) },
    { kind, name: 'Expect: 100-continue, and the body after it', parts: [webhookBytes(at, EVENT, { Expect: '100-continue' })], ...only(200) },
    { kind, name: 'Expect: 100-continue, and no body', parts: [head(POST, HOST, 'Expect: 100-continue', 'Content-Length: 10'), 200], halfClose: true, right: [400, 401, 408, 'closed'] },
    { kind, name: 'Expect: something else', parts: [head('GET /healthz HTTP/1.1', HOST, 'Expect: the-impossible')], ...only(417, 200) },
    { kind, name: 'Upgrade: websocket', parts: [head('GET /healthz HTTP/1.1', HOST, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')], ...only(200, 400, 'closed') },
    { kind, name: 'Upgrade: h2c', parts: [head('GET /healthz HTTP/1.1', HOST, 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__')], ...only(200, 400, 'closed') },
    { kind, name: 'a Range of many parts', parts: [head('GET /openapi.json HTTP/1.1', HOST, `Range: bytes=${Array.from({ length: 500 }, (_, index) => `${String(index)}-`).join(',')}`)], ...only(200, 431) },
    { kind, name: 'a cookie of 15 KiB', parts: [head('GET /console HTTP/1.1', HOST, `Cookie: ${'a=b; '.repeat(3_000)}`)] },
    { kind, name: 'cookies that are no session', parts: [head('GET /console HTTP/1.1', HOST, 'Cookie: headgate_session=__proto__; headgate_session=%00; session={"role":"operator"}')] },
  ];
}

function framingAttacks(at: At): RawAttack[] {
  const kind = 'framing';
  const post = (...lines: string[]): string => head(POST, HOST, 'Content-Type: application/json', ...lines);
  const chunked = (body: string): RawAttack['parts'] => [post('Transfer-Encoding: chunked'), body];
  const both = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n0\r\n\r\n`;
  const signed = Object.entries(signedHeaders(EVENT)).map(([name, value]) => `${name}: ${value}`);
  return [
    { kind, name: 'Content-Length and Transfer-Encoding', parts: [post('Content-Length: 4', 'Transfer-Encoding: chunked') + `0\r\n\r\n${HIDDEN}`], answers: 2, right: REFUSED, check: notTwo },
    { kind, name: 'Transfer-Encoding and Content-Length', parts: [post('Transfer-Encoding: chunked', 'Content-Length: 5') + `0\r\n\r\n${HIDDEN}`], answers: 2, right: REFUSED, check: notTwo },
    { kind, name: 'two lengths', parts: [post('Content-Length: 0', `Content-Length: ${String(HIDDEN.length)}`) + HIDDEN], answers: 2, right: REFUSED, check: notTwo },
    { kind, name: 'one length twice', parts: [post('Content-Length: 2', 'Content-Length: 2') + '{}'], right: [400, 401, 'closed'] },
    { kind, name: 'lengths in one line', parts: [post('Content-Length: 0, 50') + HIDDEN], answers: 2, right: REFUSED, check: notTwo },
    ...['-1', '+5', '0x10', '1e3', '99999999999999999999', ' ', '5;', '٣', '9007199254740993'].map((length): RawAttack => ({ kind, name: `Content-Length: ${length}`, parts: [post(`Content-Length: ${length}`) + '{}'], halfClose: true, right: [400, 401, 413, 408, 'closed'] })),
    ...['xchunked', 'chunked, identity', 'identity, chunked', 'chunked, chunked', '\x0bchunked', 'gzip, chunked', 'CHUNKED', 'chunked;q=1'].map((coding): RawAttack => ({ kind, name: `Transfer-Encoding: ${JSON.stringify(coding)}`, parts: [post(`Transfer-Encoding: ${coding}`) + `0\r\n\r\n${HIDDEN}`], answers: 2, halfClose: true, right: [400, 401, 404, 415, 501, 'closed'], ...(coding === 'CHUNKED' || coding === 'identity, chunked' || coding === 'gzip, chunked' || coding === 'chunked, chunked' ? {} : { check: notTwo }) })),
    ...['zz\r\n', '-1\r\n', 'ffffffffffffffffff\r\nx', '5 \r\nhello\r\n0\r\n\r\n', '0x5\r\nhello\r\n', ' 5\r\nhello\r\n', '5\nhello\n0\n\n', '5\r\nhelloXX0\r\n\r\n', '\r\n', '7fffffff\r\nx', '5;\0\r\nhello\r\n0\r\n\r\n'].map((body): RawAttack => ({ kind, name: `a chunk ${JSON.stringify(body)}`, parts: chunked(body), halfClose: true, right: [400, 401, 413, 'closed'] })),
    { kind, name: 'chunk extensions', parts: [post('Transfer-Encoding: chunked', ...signed), `${EVENT.length.toString(16)};name="value";other\r\n${EVENT}\r\n0\r\n\r\n`], right: [200, 400, 'closed'] },
    { kind, name: 'a chunk extension of 1 MiB', parts: [post('Transfer-Encoding: chunked', ...signed), `5;${'a'.repeat(MIB)}\r\nhello\r\n0\r\n\r\n`], right: [400, 401, 413, 'closed'] },
    { kind, name: 'trailers that sign it', parts: [post('Transfer-Encoding: chunked', 'Trailer: X-CIO-Signature, X-CIO-Timestamp'), `${EVENT.length.toString(16)}\r\n${EVENT}\r\n0\r\n${signed.join('\r\n')}\r\n\r\n`], ...only(401) },
    { kind, name: '100,000 trailers', parts: [...chunked(`0\r\n${'a: b\r\n'.repeat(100_000)}\r\n`)], right: [400, 401, 431, 'closed'] },
    { kind, name: 'chunks of one byte', parts: [post('Transfer-Encoding: chunked', ...signed), Array.from(EVENT, (byte) => byte).map((byte) => `1\r\n${byte}\r\n`).join(''), '0\r\n\r\n'], ...only(200) },
    { kind, name: '60,000 chunks of one byte', parts: [post('Transfer-Encoding: chunked'), '1\r\n{\r\n'.repeat(60_000), '0\r\n\r\n'], ...only(401) },
    { kind, name: 'chunked in HTTP/1.0', parts: [head('POST /v1/webhooks/demo HTTP/1.0', HOST, 'Content-Type: application/json', 'Transfer-Encoding: chunked') + both], right: [400, 401, 'closed'] },
    { kind, name: 'a body that ends too early', parts: [webhookBytes(at, EVENT).subarray(0, -10)], halfClose: true, right: [400, 'closed'] },
    { kind, name: 'a connection that breaks in the body', parts: [webhookBytes(at, EVENT).subarray(0, -10), 20], abort: true },
    { kind, name: 'a connection that breaks after the request', parts: [webhookBytes(at, EVENT)], abort: true },
    { kind, name: 'a connection that breaks in the headers', parts: [webhookBytes(at, EVENT).subarray(0, 60)], abort: true },
    { kind, name: 'nothing at all', parts: [], halfClose: true, right: ['closed', 400] },
    { kind, name: 'a GET with a body that is a request', parts: [head('GET /healthz HTTP/1.1', HOST, `Content-Length: ${String(HIDDEN.length)}`) + HIDDEN], check: notTwo },
    { kind, name: 'a body more than announced', parts: [head('GET /healthz HTTP/1.1', HOST, 'Content-Length: 3') + 'abcdef\r\n\r\n'], answers: 2, right: [200, 400, 'closed'] },
  ];
}

function targetAttacks(at: At): RawAttack[] {
  const kind = 'targets';
  const read = (path: string, more: Partial<RawAttack> = {}): RawAttack => ({ kind, name: path.length > 60 ? `${path.slice(0, 60)}… (${String(path.length)})` : path, parts: [requestBytes(at, { path, headers: roleHeaders('operator') })], ...more });
  const get = (path: string, more: Partial<RawAttack> = {}): RawAttack => ({ ...read(path, more), parts: [requestBytes(at, { path, headers: roleHeaders('reader') })] });
  const odd = ['%00', '%', '%zz', '%ff', '%c0%ae%c0%ae', '%e0%a4', '%2e%2e', '..', '....//', '%2f', '%5c', '%0d%0a', '%09', '\\', '__proto__', 'constructor', 'toString', 'hasOwnProperty', "'%20or%20'1'='1", '$%7Bjndi:ldap://x%7D', '%F0%9F%9B%92', '%ed%a0%80', 'a'.repeat(4_000), '1e400', '-1', 'NaN', '9'.repeat(40)];
  const places = ['/v1/events/', '/v1/audiences/', '/v1/quarantine/', '/v1/exports/', '/console/events/', '/console/people/', '/console/audiences/', '/console/quarantine/', '/console/assets/', '/v1/'];
  const queries = ['/v1/people?customer_id=', '/v1/people?email=', '/v1/people?person_id=', '/v1/alerts?limit=', '/v1/alerts?state=', '/v1/quarantine?source=', '/v1/quarantine?problem=', '/v1/quarantine?before=', '/v1/quarantine?since=', '/v1/exposures?since=2026-01-01T00:00:00Z&after=', '/v1/audiences/high_intent_cart_7d_v1/held?destination=', '/console/people?q=', '/console/live?source=', '/console/quarantine?before=', '/console/sign-in?next='];
  return [
    ...places.flatMap((place) => odd.map((segment) => get(`${place}${segment}`))),
    ...queries.flatMap((query) => odd.map((value) => get(`${query}${value}`))),
    ...odd.map((segment) => read(`/v1/erasures/${segment}`)),
    ...['?', '?=', '?&&&', '?a[b]=c', '?a[]=1&a[]=2', '?__proto__[x]=1', '?__proto__=1', '?constructor[prototype][x]=1', '?toString=1', '?customer_id=a&customer_id=b', `?${'a=b&'.repeat(3_000)}`, '?customer_id[__proto__]=x', '?customer_id=%', '?%00=%00'].flatMap((query) => ['/v1/people', '/v1/quarantine', '/v1/alerts', '/console/live', '/console/people'].map((path) => get(`${path}${query}`))),
    get('//'), get('///v1///audiences'), get('/v1/audiences/'), get('/v1/audiences//'), get('/v1/./audiences'), get('/v1/../etc/passwd'), get('/console/assets/../../package.json'), get('/console/assets/..%2f..%2f..%2fpackage.json'), get('/console/assets/%2e%2e%2fpage.ts'),
    get(`/${'a/'.repeat(7_000)}`), get(`/${'a'.repeat(15_000)}`), get(`/${'%41'.repeat(5_000)}`), get(`/v1/events/${'%25'.repeat(4_000)}`),
    { kind, name: 'a target of 100 KiB', parts: [head(`GET /${'a'.repeat(100 * KIB)} HTTP/1.1`, HOST)], ...only(431, 414, 'closed') },
    { kind, name: 'absolute form', parts: [head('GET http://elsewhere.example.com/healthz HTTP/1.1', HOST)], right: [200, 400, 404] },
    { kind, name: 'absolute form of a guarded route', parts: [head('GET http://x/v1/audiences HTTP/1.1', HOST)], right: [400, 401, 404] },
    { kind, name: 'absolute form with another scheme', parts: [head('GET file:///etc/passwd HTTP/1.1', HOST)], right: [400, 401, 404, 'closed'] },
    { kind, name: 'OPTIONS *', parts: [head('OPTIONS * HTTP/1.1', HOST)], right: [200, 204, 400, 401, 404] },
    { kind, name: 'GET *', parts: [head('GET * HTTP/1.1', HOST)], right: [400, 401, 404, 'closed'] },
    { kind, name: 'no slash', parts: [head('GET healthz HTTP/1.1', HOST)], right: [400, 401, 404, 'closed'] },
    { kind, name: 'an empty target', parts: [head('GET  HTTP/1.1', HOST)], right: REFUSED },
    { kind, name: 'a raw space', parts: [head('GET /a b HTTP/1.1', HOST)], right: REFUSED },
    { kind, name: 'raw bytes above ASCII', parts: [Buffer.from(head('GET /v1/events/\xff\xfe HTTP/1.1', HOST), 'latin1')], right: [400, 401, 404, 'closed'] },
    { kind, name: 'a fragment', parts: [head('GET /healthz#x HTTP/1.1', HOST)], right: [200, 400, 401, 404] },
    ...['HTTP/1.2', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'http/1.1', 'HTTP/1.1.1', ''].map((version): RawAttack => ({ kind, name: `version ${version}`, parts: [head(`GET /healthz ${version}`, HOST)], right: [200, 400, 505, 'closed'] })),
  ];
}

function methodAttacks(at: At): RawAttack[] {
  const kind = 'methods';
  const routes = ['/v1/webhooks/demo', '/v1/audiences', '/v1/quarantine/replay', '/healthz', '/metrics', '/console', '/openapi.json'];
  const methods = ['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'LINK', 'QUERY', 'M-SEARCH', 'SOURCE'];
  return [
    // Waits for the end of the connection, because the length that an answer to HEAD tells is not that of a body.
    ...methods.flatMap((method) => routes.map((path): RawAttack => ({ kind, name: `${method} ${path}`, answers: 0, parts: [requestBytes(at, { method, path, headers: { ...roleHeaders('operator'), Connection: 'close' } })], check: ({ text }) => (method === 'TRACE' && text.includes('fuzz-operator-token') ? 'TRACE echoes the token' : undefined) }))),
    ...['GETT', 'get', '', 'G\0ET', 'GET\t', 'A'.repeat(10_000), '__proto__', 'PRI'].map((method): RawAttack => ({ kind, name: `${JSON.stringify(method.slice(0, 20))} as a method`, parts: [head(`${method} /healthz HTTP/1.1`, HOST)], right: REFUSED })),
    { kind, name: 'CONNECT', parts: [head('CONNECT elsewhere.example.com:443 HTTP/1.1', HOST)], right: [400, 404, 405, 'closed'] },
  ];
}

function bodyAttacks(at: At): RawAttack[] {
  const kind = 'bodies';
  const bomb = gzipSync(Buffer.alloc(64 * MIB));
  const typed = (name: string, body: Buffer | string, more: Record<string, string>, right: RawAttack['right'], path?: string): RawAttack => ({ kind, name, parts: [webhookBytes(at, body, more, path)], ...(right ? { right } : {}) });
  const operating = (path: string, name: string, body: Buffer | string, headers: Record<string, string>, right: RawAttack['right']): RawAttack =>
    ({ kind, name: `${path}: ${name}`, parts: [requestBytes(at, { method: 'POST', path, headers: { ...roleHeaders('operator'), 'Content-Type': 'application/json', ...headers }, body })], ...(right ? { right } : {}) });
  const large = 'x'.repeat(MIB);
  return [
    typed('gzip', gzipSync(EVENT), { 'Content-Encoding': 'gzip' }, [415]),
    typed('a gzip bomb', bomb, { 'Content-Encoding': 'gzip' }, [415]),
    typed('a gzip bomb in the feed', bomb, { 'Content-Encoding': 'gzip' }, [415], '/v1/webhooks/demo/reporting'),
    typed('deflate', deflateSync(EVENT), { 'Content-Encoding': 'deflate' }, [415]),
    typed('brotli', brotliCompressSync(EVENT), { 'Content-Encoding': 'br' }, [415]),
    typed('an unknown encoding', EVENT, { 'Content-Encoding': 'zstd, gzip' }, [415]),
    typed('many encodings', EVENT, { 'Content-Encoding': Array.from({ length: 500 }, () => 'gzip').join(', ') }, [415]),
    typed('gzip under the name identity', gzipSync(EVENT), { 'Content-Encoding': 'identity' }, [422]),
    ...['text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded', 'text/json', '*/*', ';', 'application/jsonp'].map((type) => typed(`Content-Type: ${type}`, EVENT, { 'Content-Type': type }, [415])),
    ...['application/json; charset=utf-7', 'application/json;charset=\0', 'application/cloudevents+json', 'APPLICATION/JSON', `application/json; ${'a=b;'.repeat(2_000)}`].map((type) => typed(`Content-Type: ${JSON.stringify(type.slice(0, 60))}`, EVENT, { 'Content-Type': type }, [200, 400, 415, 'closed'])),
    typed('a body of 1 MiB', large, {}, [413, 'closed']),
    typed('a body of 20 MiB', 'x'.repeat(20 * MIB), {}, [413, 'closed']),
    typed('a report of 9 MiB', `{"a":"${'x'.repeat(9 * MIB)}"}`, {}, [413, 'closed'], '/v1/webhooks/demo/reporting'),
    typed('a report of 7 MiB', `{"event_id":"fuzz-large-report","metric":"sent","data":{"a":"${'x'.repeat(7 * MIB)}"}}`, {}, [200], '/v1/webhooks/demo/reporting'),
    { kind, name: '20 MiB in chunks', parts: [head(POST, HOST, 'Content-Type: application/json', 'Transfer-Encoding: chunked'), ...Array.from({ length: 20 }, () => `${MIB.toString(16)}\r\n${large}\r\n`), '0\r\n\r\n'], right: [401, 413, 'closed'] },
    ...['/v1/quarantine/replay', '/v1/erasures', '/v1/alerts/mute', '/v1/alerts/test', '/v1/audiences/high_intent_cart_7d_v1/release'].flatMap((path) => [
      operating(path, 'a gzip bomb', bomb, { 'Content-Encoding': 'gzip' }, [400, 413, 415]),
      operating(path, 'a body of 1 MiB', `{"by":"${large}"}`, {}, [400, 413, 'closed']),
      operating(path, 'an unknown charset', '{}', { 'Content-Type': 'application/json; charset=utf-32' }, [400, 415]),
      operating(path, 'a charset that is none', '{}', { 'Content-Type': 'application/json; charset=__proto__' }, [400, 415]),
      operating(path, 'UTF-16', Buffer.from('\ufeff{"by":"x"}', 'utf16le'), { 'Content-Type': 'application/json; charset=utf-16' }, undefined),
    ]),
    { ...operating('/v1/exposures?file=x', 'a gzip bomb', bomb, { 'Content-Encoding': 'gzip', 'Content-Type': 'application/x-ndjson' }, [400, 413, 415]), deadlineMs: 30_000 },
    operating('/v1/exposures?file=x', 'lines of nothing', '\n'.repeat(MIB), { 'Content-Type': 'application/x-ndjson' }, undefined),
    operating('/v1/exposures?file=x', 'one line of 2 MiB', `{"a":"${'x'.repeat(2 * MIB)}"}`, { 'Content-Type': 'application/x-ndjson' }, undefined),
  ];
}

function otherProtocols(at: At): RawAttack[] {
  const kind = 'protocols';
  const tlsHello = Buffer.from('16030100c8010000c40303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000213010100009900', 'hex');
  const random = Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 197 + 31) % 256));
  return [
    { kind, name: 'HTTP/2 preface', parts: [Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1')], right: REFUSED },
    { kind, name: 'TLS hello', parts: [tlsHello], halfClose: true, right: REFUSED },
    { kind, name: 'Postgres start', parts: [Buffer.from('0000000804d2162f', 'hex')], halfClose: true, right: REFUSED },
    { kind, name: 'Redis', parts: ['*1\r\n$4\r\nPING\r\n'], right: REFUSED },
    { kind, name: 'SMTP', parts: ['EHLO x\r\n'], right: REFUSED },
    { kind, name: 'SSH', parts: ['SSH-2.0-OpenSSH_9.0\r\n'], right: REFUSED },
    { kind, name: 'random bytes', parts: [random], right: REFUSED },
    { kind, name: 'zeroes', parts: [Buffer.alloc(64 * KIB)], right: REFUSED },
    { kind, name: 'empty lines', parts: ['\r\n'.repeat(1_000), head('GET /healthz HTTP/1.1', HOST)], right: [200, ...REFUSED] },
    { kind, name: 'PROXY protocol', parts: [`PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n${head('GET /healthz HTTP/1.1', HOST)}`], right: REFUSED },
    { kind, name: 'a good request after a bad one', parts: [`nonsense\r\n\r\n`, requestBytes(at, {})], right: REFUSED },
  ];
}

function pipelining(at: At): RawAttack[] {
  const kind = 'pipelining';
  const good = requestBytes(at, {});
  const count = (wanted: number) => (seen: Exchange): string | undefined => (seen.answers.length === wanted ? undefined : `${String(seen.answers.length)} answers to ${String(wanted)} requests`);
  return [
    { kind, name: '100 requests at once', parts: [Buffer.concat(Array.from({ length: 100 }, () => good))], answers: 100, ...only(200), check: count(100) },
    { kind, name: '2,000 requests at once', parts: [Buffer.concat(Array.from({ length: 2_000 }, () => good))], answers: 2_000, ...only(200), check: count(2_000), deadlineMs: 30_000 },
    { kind, name: '200 webhooks at once', parts: [Buffer.concat(Array.from({ length: 200 }, () => webhookBytes(at, EVENT)))], answers: 200, ...only(200), check: count(200), deadlineMs: 30_000 },
    { kind, name: 'a refused one among good ones', parts: [Buffer.concat([good, requestBytes(at, { path: '/v1/audiences' }), good])], answers: 3, right: [200, 401], check: count(3) },
    { kind, name: 'a broken one after good ones', parts: [Buffer.concat([good, good, Buffer.from('broken\r\n\r\n')])], answers: 3, right: [200, 400], check: ({ answers }) => (answers.slice(0, 2).every(({ status }) => status === 200) ? undefined : 'good requests before a broken one were not answered') },
    { kind, name: 'breaks off while answers are on their way', parts: [Buffer.concat(Array.from({ length: 500 }, () => requestBytes(at, { path: '/openapi.json' })))], abort: true },
  ];
}

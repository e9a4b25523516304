import { describe, expect, test } from 'vitest';
import type { ActionAnswer, Connected, Judging, Verdict } from '../../src/actions/action.ts';
import { kinds } from '../../src/actions/catalog.ts';
import { signedHeaders } from '../../src/actions/standard-webhooks.ts';
import { fields } from '../support/forward-fields.ts';

const judging: Judging = { name: 'mine', retried: new Set([401, 403, 407, 408, 425, 429]) };
function connect(kind: string, settings: object): Connected {
  const found = kinds.get(kind);
  if (!found) throw new Error(`no kind ${kind}`);
  return found.connect(found.settings.parse(settings), undefined);
}
const answer = (status: number, text = '', headers: Record<string, string> = {}): ActionAnswer => ({ status, text, headers: new Headers(headers) });
const short = (verdict: Verdict): string => (verdict.kind === 'sent' ? 'sent' : verdict.kind === 'refused' ? `refused: ${verdict.reason}` : `${verdict.report.kind}: ${verdict.report.cause}`);

// Calculated by other libraries, too: https://github.com/standard-webhooks/standard-webhooks (read 2026-11).
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
test('the signature is that of Standard Webhooks', () => {
  const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330_000, '{"test": 2432232314}', [SECRET]);
  expect(headers).toEqual({ 'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek', 'webhook-timestamp': '1614265330', 'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=' });
  const both = signedHeaders('e', 0, '{}', [SECRET, `whsec_${Buffer.alloc(32, 7).toString('base64')}`])['webhook-signature'];
  expect(both).toMatch(/^v1,\S+ v1,\S+$/);
});

describe('http', () => {
  test('each attempt has the same id and its own time', () => {
    const { request } = connect('http', { url: 'https://mail.example/x', signing_secret: SECRET, headers: { 'x-key': 'k' } });
    const [first, second] = [request(fields(), 1_000), request(fields(), 9_000)];
    expect([first.headers['webhook-id'], second.headers['webhook-id'], first.headers['idempotency-key']]).toEqual(['e_1', 'e_1', 'e_1']);
    expect([first.headers['webhook-timestamp'], second.headers['webhook-timestamp']]).toEqual(['1', '9']);
    expect(first.body).toBe(second.body);
    expect(JSON.parse(first.body)).toMatchObject({ type: 'cio.forward', timestamp: '2025-11-24T16:00:00.000Z', data: { event_id: 'e_1', customer_id: 'c_1' } });
  });
  test('an idempotency key of one\'s own cannot bring in another header', () => {
    const { request } = connect('http', { url: 'https://mail.example/x', idempotency_key: '{{ attributes.order }}' });
    expect(request(fields({ attributes: { order: 'o_1\r\nx-evil: 1' } }), 0).headers['idempotency-key']).toBe('o_1x-evil: 1');
    expect(request(fields(), 0).headers['idempotency-key']).toBe('e_1');
  });
  test.each([
    [answer(200), 'sent'], [answer(204), 'sent'],
    [answer(422, '{"error": "no such\nlist"}'), 'refused: HTTP 422: {"error": "no such list"}'],
    [answer(404), 'refused: HTTP 404'],
    [answer(401, 'who?'), 'unauthorised: HTTP 401: who?'],
    [answer(408), 'unavailable: HTTP 408'], [answer(500), 'unavailable: HTTP 500'], [answer(503), 'unavailable: HTTP 503'],
    [answer(429), 'rate_limited: HTTP 429'],
    [answer(301, '', { location: 'https://elsewhere.example/' }), 'misconfigured: HTTP 301, a redirect to https://elsewhere.example/, which is not followed'],
  ])('%#', (given, verdict) => {
    expect(short(connect('http', { url: 'https://mail.example/x' }).judge(given, judging))).toBe(verdict);
  });
  test('how long the tool wants to be left alone is heard', () => {
    const verdict = connect('http', { url: 'https://mail.example/x' }).judge(answer(503, '', { 'retry-after': '120' }), judging);
    expect(verdict).toMatchObject({ kind: 'failed', report: { retryAfterMs: 120_000 } });
  });
});

describe('Slack', () => {
  const webhook = connect('slack', { webhook_url: 'https://hooks.slack.com/services/T/B/x', text: 'Hello {{ attributes.name }}' });
  const bot = connect('slack', { bot_token: 'xoxb-12345678', channel: 'C1', text: '{{ customer_id }}', blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '{{ attributes.name }}' } }] });
  test('a value can mention nobody and link nowhere', () => {
    expect(JSON.parse(webhook.request(fields({ attributes: { name: '<!everyone> <https://evil.example|here> & co' } }), 0).body)).toEqual({ text: 'Hello &lt;!everyone&gt; &lt;https://evil.example|here&gt; &amp; co' });
  });
  test('a bot posts to its channel', () => {
    const { url, headers, body } = bot.request(fields(), 0);
    expect([url, headers['authorization'], JSON.parse(body)]).toEqual(['https://slack.com/api/chat.postMessage', 'Bearer xoxb-12345678', expect.objectContaining({ channel: 'C1', text: 'c_1', metadata: { event_type: 'headgate_forward', event_payload: { event_id: 'e_1' } } })]);
  });
  test.each([
    [answer(200, '{"ok":true}'), 'sent'], [answer(200, '{"ok":false,"error":"token_revoked"}'), 'unauthorised: token_revoked'],
    [answer(200, '{"ok":false,"error":"not_in_channel"}'), 'misconfigured: not_in_channel'], [answer(200, '{"ok":false,"error":"msg_too_long"}'), 'refused: msg_too_long'],
    [answer(200, '{"ok":false,"error":"internal_error"}'), 'unavailable: internal_error'], [answer(200, '<html>'), 'unavailable: an answer that Slack does not give: HTTP 200: <html>'],
    [answer(429, '{"ok":false,"error":"ratelimited"}', { 'retry-after': '30' }), 'rate_limited: HTTP 429: {"ok":false,"error":"ratelimited"}'],
  ])('a 200 is not believed %#', (given, verdict) => {
    expect(short(bot.judge(given, judging))).toBe(verdict);
  });
  test.each([
    [answer(200, 'ok'), 'sent'], [answer(404, 'no_service'), 'misconfigured: HTTP 404: no_service'], [answer(410, 'channel_is_archived'), 'misconfigured: HTTP 410: channel_is_archived'],
    [answer(400, 'invalid_payload'), 'refused: HTTP 400: invalid_payload'], [answer(200, 'a page'), 'unavailable: an answer that Slack does not give: HTTP 200: a page'],
  ])('an incoming webhook %#', (given, verdict) => {
    expect(short(webhook.judge(given, judging))).toBe(verdict);
  });
});

describe('Segment', () => {
  test('track, with the id that makes a retry the same message', () => {
    const { request } = connect('segment', { write_key: 'wkey', url: 'https://events.eu1.segmentapis.com/', event: 'Left {{ attributes.cart }}' });
    const { url, headers, body } = request(fields({ attributes: { cart: 'A' }, context: { campaign_id: 7, journey_id: 'j' } }), 0);
    expect([url, Buffer.from(headers['authorization']?.slice(6) ?? '', 'base64').toString()]).toEqual(['https://events.eu1.segmentapis.com/v1/track', 'wkey:']);
    expect(JSON.parse(body)).toEqual({ messageId: 'e_1', userId: 'c_1', timestamp: '2025-11-24T16:00:00.000Z', event: 'Left A', properties: { cart: 'A' }, context: { journey_id: 'j', campaign: { id: 7 }, library: { name: 'headgate' } } });
  });
  test('identify; somebody without a customer id is anonymous', () => {
    const { request } = connect('segment', { write_key: 'wkey', url: 'https://plane.example', call: 'identify', traits: { vip: '{{ attributes.vip }}' } });
    const { url, body } = request(fields({ customer_id: null, attributes: { vip: true } }), 0);
    expect([url, JSON.parse(body)]).toEqual(['https://plane.example/v1/identify', expect.objectContaining({ anonymousId: 'p_1', traits: { vip: true } })]);
  });
  test('nobody there who speaks it', () => {
    expect(short(connect('segment', { write_key: 'wkey', event: 'E' }).judge(answer(404), judging))).toMatch(/^misconfigured: HTTP 404/);
  });
});

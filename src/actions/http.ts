/** Any tool that takes JSON over HTTPS: direct mail, loyalty, customer service. Signed as Standard Webhooks. */
import { z } from 'zod';
import { defineKind, through, type Connected } from './action.ts';
import { judgeStatus } from './judge.ts';
import { textSetting, treeSetting, urlSetting } from './settings.ts';
import { keyOf, signedHeaders } from './standard-webhooks.ts';

const signingSecret = z.string().refine((text) => keyOf(text) !== undefined, 'must be whsec_ and 24 to 64 bytes in base64: make one by `echo whsec_$(openssl rand -base64 32)`').meta({ secret: true });

const HEADER = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;
/** Those that say what the request is; Headgate writes them. */
const OWN_HEADERS = new Set(['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'webhook-id', 'webhook-timestamp', 'webhook-signature', 'idempotency-key']);

export const httpSettings = z.strictObject({
  url: urlSetting,
  method: z.enum(['POST', 'PUT', 'PATCH'], 'must be POST, PUT or PATCH').default('POST'),
  signing_secret: z.union([signingSecret.transform((one) => [one]), z.array(signingSecret).min(1).max(2, 'at most two secrets can be active')]).optional().meta({ secret: true })
    .describe('Signs each request as Standard Webhooks say; two while one replaces the other.'),
  headers: z.record(z.string(), z.string('must be text: put it in quotes').regex(/^[\t\x20-\x7e]*$/, 'holds characters that no header can carry')).superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      const message = OWN_HEADERS.has(name.toLowerCase()) ? 'is written by Headgate itself' : HEADER.test(name) ? undefined : 'is no name of a header';
      if (message !== undefined) context.addIssue({ code: 'custom', path: [name], message });
    }
  }).default({}).meta({ secret: true })
    .describe('Sent with each request, such as Authorization.'),
  body: treeSetting.optional().describe('What is sent, as JSON whose texts are templates. Default: the whole event.'),
  idempotency_key: textSetting.optional().describe('Default: the event id, the same for each attempt.'),
});
type HttpSettings = z.infer<typeof httpSettings>;

export const http = defineKind<HttpSettings>({
  kind: 'http',
  settings: httpSettings,
  callsPerMinute: 600,
  connect: ({ url, method, signing_secret: secrets = [], headers, body, idempotency_key: key }, standIn): Connected => ({
    request: (fields, at) => {
      const { event, occurred_at: timestamp, ...data } = fields;
      const text = JSON.stringify(body ? body.fill(fields) : { type: event, timestamp, data });
      return {
        method,
        url: through(standIn, url),
        headers: { ...headers, 'content-type': 'application/json', 'idempotency-key': headerText(key?.fill(fields) ?? '') || fields.event_id, ...signedHeaders(fields.event_id, at, text, secrets) },
        body: text,
      };
    },
    judge: judgeStatus,
    uses: [...(body?.uses ?? []), ...(key?.uses ?? [])],
  }),
});

/** Values of events may hold anything. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, '').trim().slice(0, 255);

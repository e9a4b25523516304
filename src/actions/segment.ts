/**
 * `track` and `identify` as Segment defined them; RudderStack and others speak it too.
 * https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/ (read 2026-11)
 */
import { z } from 'zod';
import type { JsonObject } from '../domain/event.ts';
import { defineKind, through, type ActionAnswer, type Connected, type Judging, type Verdict } from './action.ts';
import { judgeStatus } from './judge.ts';
import { textSetting, treeSetting, urlSetting } from './settings.ts';

export const segmentSettings = z
  .strictObject({
    write_key: z.string().min(4, 'is too short to be a write key').meta({ secret: true }).describe('Of the source.'),
    url: urlSetting.default('https://api.segment.io').describe('The part before /v1/track. Segment in the EU: https://events.eu1.segmentapis.com; RudderStack: your data plane.'),
    call: z.enum(['track', 'identify'], 'must be track or identify').default('track'),
    event: textSetting.optional().describe('With track: the name of the event.'),
    user_id: textSetting.optional().describe('Default: {{ customer_id }}. Without one, Headgate\'s id of the person is sent as anonymousId.'),
    properties: treeSetting.optional().describe('With track. Default: the attributes.'),
    traits: treeSetting.optional().describe('With identify. Default: the attributes.'),
  })
  .refine((given) => given.call !== 'track' || given.event !== undefined, { path: ['event'], message: 'is missing: what shall the event be called?' })
  .refine((given) => given.call !== 'track' || given.traits === undefined, { path: ['traits'], message: 'belongs to call: identify' })
  .refine((given) => given.call !== 'identify' || (given.properties === undefined && given.event === undefined), 'event and properties belong to call: track');
type SegmentSettings = z.infer<typeof segmentSettings>;

export const segment = defineKind<SegmentSettings>({
  kind: 'segment',
  settings: segmentSettings,
  // Segment takes 1,000 a second for each source.
  callsPerMinute: 6_000,
  connect: ({ write_key: key, url, call, event, user_id: user, properties, traits }, standIn): Connected => ({
    request: (fields) => {
      const userId = (user ? user.fill(fields) : (fields.customer_id ?? '')).trim();
      const { campaign_id: id, campaign_name: name, ...others } = fields.context;
      const campaign = { ...(id === undefined ? {} : { id }), ...(name === undefined ? {} : { name }) };
      const data = (properties ?? traits)?.fill(fields) ?? fields.attributes;
      const message: JsonObject = {
        messageId: fields.event_id,
        ...(userId === '' ? { anonymousId: fields.person_id ?? fields.cio_id ?? fields.event_id } : { userId }),
        timestamp: fields.occurred_at,
        ...(call === 'track' ? { event: event?.fill(fields) ?? '', properties: data } : { traits: data }),
        context: { ...others, ...(Object.keys(campaign).length === 0 ? {} : { campaign }), library: { name: 'headgate' } },
      };
      return {
        method: 'POST',
        url: through(standIn, `${url.replace(/\/+$/, '')}/v1/${call}`),
        headers: { 'content-type': 'application/json', authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
        body: JSON.stringify(message),
      };
    },
    judge: judgeSegment,
    uses: [event, user, properties, traits].flatMap((template) => template?.uses ?? []),
  }),
});

/** 400 is the message's fault (more than 32 KB, no name); 404 means that nobody speaks it there. */
function judgeSegment(answer: ActionAnswer, judging: Judging): Verdict {
  if (answer.status !== 404) return judgeStatus(answer, judging);
  return { kind: 'failed', report: { kind: 'misconfigured', cause: 'HTTP 404: nobody takes track or identify at this address', cure: `Look at the url of ${judging.name} in headgate.yaml: the part before /v1/track.` } };
}

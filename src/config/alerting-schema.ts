/** The shape of `owners:` and `alerts:` in `headgate.yaml`. */
import { z } from 'zod';
import { keyOf } from '../actions/standard-webhooks.ts';
import type { AlertRule, Threshold, Unit } from '../domain/alert-rules.ts';
import { RULES } from '../domain/alert-rules.ts';
import { duration, secret, share } from './registry-schema.ts';

const timeOfDay = z
  .string('must be a time such as "22:00"')
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as "22:00"')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const timezone = z.string().refine((name) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}, 'must be a timezone such as Europe/Berlin');

const url = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });
const channel = z.string().min(2, 'must be a channel such as "#retention-oncall"');
const address = z.email('must be an e-mail address');
const one = <T extends z.ZodType>(schema: T) => z.union([schema.transform((value) => [value]), z.array(schema).min(1)]);

const signingSecret = secret.refine((text) => keyOf(text) !== undefined, 'must be whsec_ and 24 to 64 bytes in base64: make one by `echo whsec_$(openssl rand -base64 32)`');

export const contactSchema = z.strictObject({
  slack: one(channel).optional().describe('Channels, by the bot of alerts.slack.'),
  slack_webhook: secret.optional().describe('Incoming webhook of Slack, instead of the bot.'),
  email: one(address).optional().describe('By the server of alerts.smtp.'),
  pagerduty: secret.optional().describe('Routing key of an Events API v2 integration.'),
  webhook: z.strictObject({ url, secret: signingSecret }).optional().describe('Signed HTTP, as Standard Webhooks has it.'),
  quiet_hours: z.strictObject({ from: timeOfDay, to: timeOfDay, timezone: timezone.default('UTC') }).optional().describe('Only what is critical is told at these times; the rest waits until they are over.'),
  escalate_to: z.string().min(1).optional().describe('Who hears of what is critical and acknowledged by nobody.'),
  escalate_after: z.string().default('30m').pipe(duration).describe('After how long.'),
});

/** What a rule of this unit takes as a number. */
const numberOf: Record<Unit, z.ZodType<number>> = {
  share: share,
  count: z.number('must be a number').positive('must be a positive number'),
  duration: duration,
};

function thresholdSchema({ unit, defaults }: AlertRule): z.ZodType<Threshold | null> {
  const least = z.number('must be a number').int().min(0).default(defaults.least).describe('How much there must be of it for the rule to look at all.');
  const { warning, critical } = defaults;
  const numbers: z.ZodType<Threshold> = unit === null
    ? z.strictObject({ least }).transform((given) => ({ ...defaults, ...given }))
    : z.strictObject({ warning: numberOf[unit].default(warning), critical: numberOf[unit].default(critical), least })
      .refine((given) => given.critical >= given.warning, 'critical must not be less than warning');
  return z.union([z.literal(false).transform(() => null), z.literal('off').transform(() => null), numbers]);
}

export const alertsSchema = z.strictObject({
  owner: z.string().min(1).optional().describe('Who hears of what belongs to no audience: sources, warehouses, Headgate itself. Default: every owner.'),
  slack: z
    .strictObject({
      bot_token: secret.optional().describe('Bot token with chat:write.'),
      webhook_url: secret.optional().describe('Incoming webhook, for owners with a channel when there is no bot.'),
      api_url: url.default('https://slack.com/api'),
    })
    .refine((given) => given.bot_token ?? given.webhook_url, 'needs a bot_token or a webhook_url')
    .optional(),
  smtp: z.strictObject({ url: z.string().regex(/^smtps?:\/\//, 'must be smtp://… or smtps://…').meta({ secret: true }), from: z.string().min(3) }).optional().describe('The server that takes e-mail.'),
  pagerduty_url: url.default('https://events.pagerduty.com/v2/enqueue').describe('The EU has https://events.eu.pagerduty.com/v2/enqueue.'),
  rules: z.strictObject(Object.fromEntries(Object.entries(RULES).map(([name, rule]) => [name, thresholdSchema(rule).optional().describe(rule.title)]))).prefault({}),
});

export type ContactEntry = z.infer<typeof contactSchema>;
export type AlertsEntry = z.infer<typeof alertsSchema>;

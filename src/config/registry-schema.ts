/** The shape of `headgate.yaml`. What it means is in registry.ts; platforms bring their own settings (destinations/<platform>/settings.ts). */
import { z } from 'zod';
import { normaliseCountry } from '../domain/countries.ts';
import { MODES, parseDuration } from '../domain/registry.ts';
import { duration } from '../workflow-types/duration.ts';
import { audienceGuardSchema } from './watching.ts';

export { duration } from '../workflow-types/duration.ts';

/** Names of sources and destinations. */
export const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const name = z.string().regex(NAME, 'must be lower-case letters, digits and _, starting with a letter');

/** A key carries its version, so that a changed meaning gets a new audience instead of an old one with mixed people. */
export const AUDIENCE_KEY = /^[a-z][a-z0-9_]{0,90}_v[1-9][0-9]*$/;
const audienceKey = z.string().regex(AUDIENCE_KEY, 'must end with a version, such as high_intent_cart_7d_v1 (lower-case letters, digits and _)');

export const secret = z.string().min(8, 'is too short to be a secret').meta({ secret: true });
/** Two may be active while one replaces the other. */
const secrets = z.union([secret.transform((one) => [one]), z.array(secret).min(1).max(2, 'at most two secrets can be active')]);

/** How old a signature may be. Loose, because whether Customer.io signs its retries anew (for up to 3 hours) is unconfirmed. */
const DEFAULT_SIGNATURE_AGE = '4h';

export const sourceSchema = z
  .strictObject({
    signing_secret: secrets.optional().describe('Key of the webhook action; checks X-CIO-Signature.'),
    reporting_secret: secrets.optional().describe('Key of the reporting webhook.'),
    bearer_token: secrets.optional().describe('Expected as `Authorization: Bearer …`, besides or instead of a signature.'),
    people: name.optional().describe('Sources with the same value share their persons. Default: the source\'s own name.'),
    default_country: z
      .string()
      .refine((code) => normaliseCountry(code) !== undefined, 'must be an ISO 3166-1 alpha-2 code such as US')
      .optional()
      .describe('How phones without a country code are read when the person has no country. Default: they are not used.'),
    reporting: z
      .strictObject({
        workflows: z.enum(['every_event', 'only_where_needed'], 'must be every_event or only_where_needed').default('every_event')
          .describe('Whether each reporting event starts a workflow, or only such as change a membership.'),
        ends_memberships: z.array(z.string().regex(/^(\*|[a-z_]+)\.[a-z_]+$/, 'must be channel.metric, such as email.unsubscribed or *.unsubscribed')).default(['*.deleted'])
          .describe('Reports that take the person out of every audience.'),
      })
      .prefault({})
      .describe('What the events of the reporting webhook do.'),
    audiences: z.array(audienceKey).min(1, 'names none, so nothing could be sent: leave it out to allow every one').optional().describe('The only audiences that its events may be about, and that its reports may end. Default: every one.'),
    actions: z.array(name).optional().describe('The only actions that its events may go to; [] for none. Default: every one.'),
    signature_age: duration.default(parseDuration(DEFAULT_SIGNATURE_AGE) ?? 0).describe('How old a signature may be.'),
  })
  .refine((given) => given.signing_secret ?? given.bearer_token, 'needs a signing_secret, a bearer_token, or both');

const mode = z.enum(MODES, 'must be live, test or paused').default('live');

/** The common part; the rest of an entry is checked by its platform. */
export const destinationCommon = z.object({
  platform: z.string(),
  mode,
  sandbox: z.boolean().default(false).describe('Talk to the local stand-in instead of the platform. Does not load in production.'),
  test_profiles: z.array(z.string()).default([]).describe('Customer ids and e-mail addresses that mode: test pushes.'),
});

/** The common part; the rest of an entry is checked by its warehouse. */
export const exporterCommon = z.object({
  platform: z.string('must say which warehouse it is, such as bigquery'),
  every: z.string().default('1m').pipe(duration).describe('How long to wait between two looks at what has not been sent.'),
  sandbox: z.boolean().default(false).describe('Talk to the local stand-in. Refused in production.'),
});

export const share = z.union([
  z.number('must be a share such as 5% or 0.05').min(0, 'must be a share such as 5% or 0.05').max(1, 'must be a share such as 5% or 0.05'),
  z
    .string()
    .regex(/^\d+(\.\d+)?%$/, 'must be a share such as 5% or 0.05')
    .transform((text) => Number(text.slice(0, -1)) / 100)
    .refine((value) => value <= 1, 'cannot be more than 100%'),
]);

const owner = z.union([
  z.string().min(1),
  z.strictObject({
    name: z.string().min(1),
    slack: z.string().min(1).optional(),
    email: z.string().min(3).optional(),
  }),
]);

export const audienceSchema = z.strictObject({
  description: z.string('an audience needs a description').min(1, 'an audience needs a description'),
  owner: owner.describe('Who is told when something is wrong with it: a name of owners, or a name with a Slack channel or an e-mail address.'),
  window: duration.optional().describe('How long an add lasts.'),
  excludes: z.array(audienceKey).default([]).describe('Entering this audience leaves these.'),
  exit: z.literal('cio.audience_remove').optional().describe('Says that only a webhook takes people out.'),
  holdout: share.default(0).describe('Share of persons who are decided like the others but never pushed.'),
  mode: mode.describe('At each target the stricter one of this and the destination\'s counts.'),
  guard: audienceGuardSchema.optional().describe('What of the section guard is otherwise for this audience; off: no wave is held.'),
  targets: z.record(name, z.string('must be in quotes, because long ids lose digits as numbers')).default({}).describe('Per destination, the platform\'s id of the audience.'),
});

export const holdoutSchema = z.strictObject({
  share: share.describe('Share of persons who are held out of all of these audiences, each also by its own share.'),
  audiences: z.array(audienceKey).min(1, 'covers no audience; leave it out to cover every one').optional().describe('Default: every audience.'),
});

export type SourceEntry = z.infer<typeof sourceSchema>;
export type AudienceEntry = z.infer<typeof audienceSchema>;
export type HoldoutEntry = z.infer<typeof holdoutSchema>;

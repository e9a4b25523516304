/** A message to a Slack channel: by an incoming webhook, or by chat.postMessage with a bot's token. https://docs.slack.dev (read 2026-11) */
import { z } from 'zod';
import { retryAfterOf } from '../destinations/http-call.ts';
import type { FailureReport } from '../domain/failures.ts';
import { defineKind, through, type ActionAnswer, type Connected, type Judging, type Verdict } from './action.ts';
import { inItsWords, judgeStatus } from './judge.ts';
import { textSettingBy, treeSetting, urlSetting } from './settings.ts';
import { asText } from './template.ts';

const POST_MESSAGE = 'https://slack.com/api/chat.postMessage';
/** https://docs.slack.dev/reference/methods/chat.postMessage: longer texts are cut. Characters. */
const LONGEST_TEXT = 40_000;

/** A value must not mention everybody or make a link: Slack reads `<!channel>` and `<https://…|…>`. https://docs.slack.dev/messaging/formatting-message-text/ */
const escapeForSlack = (value: unknown): string => asText(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export const slackSettings = z
  .strictObject({
    webhook_url: urlSetting.optional().meta({ secret: true }).describe('Of an incoming webhook; whoever has it can post.'),
    bot_token: z.string().min(8, 'is too short to be a token').optional().meta({ secret: true }).describe('Of an app with the scope chat:write.'),
    channel: z.string().min(1).optional().describe('With bot_token: the id of a channel (C0123…) that the app was invited to, or its name.'),
    text: textSettingBy(escapeForSlack).describe('The message.'),
    blocks: treeSetting.optional().describe('Block Kit, besides the text, which notifications show.'),
  })
  .refine((given) => (given.webhook_url === undefined) !== (given.bot_token === undefined), 'needs either a webhook_url, or a bot_token with a channel')
  .refine((given) => (given.bot_token === undefined) === (given.channel === undefined), 'bot_token and channel go together');
type SlackSettings = z.infer<typeof slackSettings>;

export const slack = defineKind<SlackSettings>({
  kind: 'slack',
  settings: slackSettings,
  // One message a second to a channel; short bursts are let through. https://docs.slack.dev/apis/web-api/rate-limits/
  callsPerMinute: 60,
  connect: ({ webhook_url: webhookUrl, bot_token: token, channel, text, blocks }, standIn): Connected => ({
    request: (fields) => {
      const message = { text: text.fill(fields).slice(0, LONGEST_TEXT), ...(blocks ? { blocks: blocks.fill(fields) } : {}) };
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      if (webhookUrl !== undefined) return { method: 'POST', url: through(standIn, webhookUrl), headers, body: JSON.stringify(message) };
      // Slack has no key for idempotency: the id at least shows a message that came twice.
      const metadata = { event_type: 'headgate_forward', event_payload: { event_id: fields.event_id } };
      return { method: 'POST', url: through(standIn, POST_MESSAGE), headers: { ...headers, authorization: `Bearer ${token ?? ''}` }, body: JSON.stringify({ channel, ...message, unfurl_links: false, metadata }) };
    },
    judge: webhookUrl === undefined ? judgeApi : judgeWebhook,
    uses: [...text.uses, ...(blocks?.uses ?? [])],
  }),
});

const INVITE = 'Invite the app to the channel, or put another channel or webhook_url into headgate.yaml and restart; what waits is sent then.';
const NEW_TOKEN = 'Put a valid bot_token into headgate.yaml and restart; what waits is sent then.';
/** Errors of chat.postMessage that are not the message's fault. https://docs.slack.dev/reference/methods/chat.postMessage#errors */
const API_ERRORS: Readonly<Record<string, Pick<FailureReport, 'kind' | 'cure'>>> = {
  ...Object.fromEntries(['ratelimited', 'rate_limited', 'message_limit_exceeded'].map((error) => [error, { kind: 'rate_limited', cure: '' }])),
  ...Object.fromEntries(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout', 'team_added_to_org'].map((error) => [error, { kind: 'unavailable', cure: '' }])),
  ...Object.fromEntries(['invalid_auth', 'not_authed', 'account_inactive', 'token_revoked', 'token_expired', 'no_permission', 'missing_scope', 'access_denied', 'ekm_access_denied', 'org_login_required', 'not_allowed_token_type'].map((error) => [error, { kind: 'unauthorised', cure: NEW_TOKEN }])),
  ...Object.fromEntries(['channel_not_found', 'not_in_channel', 'is_archived', 'restricted_action', 'restricted_action_read_only_channel', 'posting_to_general_channel_denied'].map((error) => [error, { kind: 'misconfigured', cure: INVITE }])),
};

/** Every answer is a 200; whether it was posted is `ok` in the body. */
function judgeApi(answer: ActionAnswer, judging: Judging): Verdict {
  if (answer.status !== 200) return judgeStatus(answer, judging);
  const body = parsed(answer.text);
  if (body?.ok === true) return { kind: 'sent' };
  const error = typeof body?.error === 'string' ? body.error : undefined;
  if (error === undefined) return { kind: 'failed', report: { kind: 'unavailable', cause: `an answer that Slack does not give: ${inItsWords(answer)}`, cure: '' } };
  const known = API_ERRORS[error];
  if (!known) return { kind: 'refused', reason: error };
  const retryAfterMs = retryAfterOf(answer.headers);
  return { kind: 'failed', report: { ...known, cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
}

/** Of an incoming webhook: `ok` as the whole body, else a status and an error's name. https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks/ */
function judgeWebhook(answer: ActionAnswer, judging: Judging): Verdict {
  const said = answer.text.trim();
  if (answer.status === 200 && said !== 'ok') return { kind: 'failed', report: { kind: 'unavailable', cause: `an answer that Slack does not give: ${inItsWords(answer)}`, cure: '' } };
  const isGone = [403, 404, 410].includes(answer.status);
  return isGone ? { kind: 'failed', report: { kind: 'misconfigured', cause: inItsWords(answer), cure: INVITE } } : judgeStatus(answer, judging);
}

function parsed(text: string): { ok?: unknown; error?: unknown } | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

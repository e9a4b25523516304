/**
 * Slack: chat.postMessage with a bot's token, or an incoming webhook.
 * https://docs.slack.dev/reference/methods/chat.postMessage and https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, read 2026-11-30:
 * the former answers 200 with `ok: false` when it did not post; a section's text holds at most 3,000 characters, a message 50 blocks.
 */
import type { Message } from '../message.ts';
import { post, type Channel } from './channel.ts';

const MOST_ITEMS = 20;
const LONGEST_SECTION = 2_900;

export interface SlackOptions {
  /** One post for each, by the bot; empty with a webhook, which has a channel of its own. */
  channels: readonly string[];
  botToken?: string;
  apiUrl: string;
  webhookUrl?: string;
}

export function slackChannel({ channels, botToken, apiUrl, webhookUrl }: SlackOptions): Channel {
  return {
    name: 'slack',
    async deliver(message, signal) {
      const content = contentOf(message);
      if (botToken === undefined) {
        if (webhookUrl !== undefined) await post('Slack', webhookUrl, { headers: JSON_TYPE, body: JSON.stringify(content), signal });
        return;
      }
      for (const channel of channels) {
        const text = await post('Slack', `${apiUrl}/chat.postMessage`, { headers: { ...JSON_TYPE, authorization: `Bearer ${botToken}` }, body: JSON.stringify({ channel, unfurl_links: false, ...content }), signal });
        const answer = answerOf(text);
        if (answer.ok !== true) throw new Error(`Slack did not post to ${channel}: ${answer.error ?? 'it does not say why'}`);
      }
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

function answerOf(text: string): { ok?: boolean; error?: string } {
  try {
    return JSON.parse(text) as { ok?: boolean; error?: string };
  } catch {
    return {};
  }
}

/** `&`, `<` and `>` are Slack's own. */
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const ICONS = { critical: '🔴', warning: '🟡', recovered: '🟢' } as const;

function contentOf(message: Message): object {
  const shown = message.items.slice(0, MOST_ITEMS);
  const blocks: object[] = shown.map(({ change, level, headline, lines }) => ({
    type: 'section',
    text: { type: 'mrkdwn', text: `${ICONS[change === 'recovered' ? 'recovered' : level]} *${escape(headline)}*\n${lines.map(escape).join('\n')}`.slice(0, LONGEST_SECTION) },
  }));
  const left = message.items.length - shown.length;
  if (left > 0) blocks.push({ type: 'context', elements: [{ type: 'mrkdwn', text: `and ${String(left)} more: \`headgate alerts\`` }] });
  return { text: escape(message.title), blocks };
}

/** E-mail by SMTP. */
import { createTransport } from 'nodemailer';
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js';
import type { Channel } from './channel.ts';

const TIMEOUT_MS = 10_000;

/** @param url `smtps://user:password@host:465` or `smtp://host:587` (STARTTLS where the server has it) */
export function emailChannel({ url, from, to }: { url: string; from: string; to: readonly string[] }): Channel {
  return {
    name: 'email',
    async deliver(message) {
      const transport = createTransport({ url, connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS } as SMTPTransport.Options);
      try {
        const { rejected } = (await transport.sendMail({
          from,
          to: [...to],
          subject: message.title,
          text: message.text,
          headers: { 'auto-submitted': 'auto-generated', ...(message.level === 'critical' ? { importance: 'high' } : {}) },
        })) as { rejected?: unknown[] };
        if ((rejected?.length ?? 0) > 0) throw new Error(`the mail server refused ${String(rejected?.length)} of ${String(to.length)} addresses`);
      } catch (error) {
        const { code, responseCode, message: words } = error as { code?: string; responseCode?: number; message: string };
        throw new Error(`The e-mail could not be sent (${[code, responseCode].filter((part) => part !== undefined).join(' ')}): ${words.slice(0, 200)}`, { cause: error });
      } finally {
        transport.close();
      }
    },
  };
}

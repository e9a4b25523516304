/** Alerts: from what the rules find to what owners read. Start reading at monitor.ts; the rules are in domain/alert-rules.ts. */
export { Contacts, type ChannelSettings, type ContactSettings } from './contacts.ts';
export { composeMessage, type Message, type MessageItem } from './message.ts';
export { Monitor } from './monitor.ts';

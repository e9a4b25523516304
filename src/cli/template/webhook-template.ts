/** What an operator pastes into Customer.io, and what has to be set there. */
import type { Registry, Source } from '../../config/registry.ts';
import { liquidBody, type BodyOptions } from './liquid-body.ts';

/** https://docs.customer.io/journeys/webhooks-action and …/data-out/connections/webhooks/ (read 2026-11). The list grows: `GET /v1/info/ip_addresses` of Customer.io's App API has today's. */
export const SENDING_ADDRESSES = {
  us: ['35.188.196.183', '104.198.177.219', '104.154.232.87', '130.211.229.195', '104.198.221.24', '104.197.27.15', '35.194.9.154', '104.154.144.51', '104.197.210.12', '35.225.6.73'],
  eu: ['34.76.143.229', '34.78.91.47', '34.77.94.252', '35.187.188.242', '34.78.122.90', '35.195.137.235', '130.211.108.156', '104.199.50.18', '34.78.44.80', '35.205.31.154'],
} as const;
export const REGIONS = Object.keys(SENDING_ADDRESSES) as (keyof typeof SENDING_ADDRESSES)[];
export type Region = keyof typeof SENDING_ADDRESSES;

export interface WebhookTemplate {
  method: 'POST';
  url: string;
  headers: Record<string, string>;
  body: string;
  /** In the order in which somebody does them. */
  settings: string[];
  notes: string[];
  addresses: Partial<Record<Region, readonly string[]>>;
}

export interface TemplateOptions extends BodyOptions {
  source: Source;
  /** Where Headgate is reached from outside; undefined: to be filled in. */
  publicUrl: string | undefined;
  regions: readonly Region[];
}

export function webhookTemplate({ source, publicUrl = 'https://YOUR-HEADGATE', regions, ...body }: TemplateOptions): WebhookTemplate {
  const signs = source.signingSecrets.length > 0;
  const bearer = source.bearerTokens.length > 0;
  return {
    method: 'POST',
    url: `${publicUrl.replace(/\/+$/, '')}/v1/webhooks/${source.name}`,
    headers: { 'Content-Type': 'application/json', ...(bearer ? { Authorization: 'Bearer THE-BEARER-TOKEN-OF-THIS-SOURCE' } : {}) },
    body: liquidBody(body),
    settings: [
      'In the journey: add "Send and receive data" (a webhook action); the method is POST.',
      'Paste the URL, each header and the body. Change nothing in the first lines of the body: they say what this action does.',
      signs ? `The signing key of webhook actions, which Customer.io shows with the action (it is not that of a reporting webhook), belongs into \`signing_secret\` of the source ${source.name}.` : `The header Authorization carries \`bearer_token\` of the source ${source.name}; Customer.io's signing key as \`signing_secret\` is the better way.`,
      'Look at the preview with somebody who has few attributes, then "Send test": the answer says "status": "test", and nothing was decided.',
      'Set the sending behaviour to "Send automatically": a new action is a draft, and each call would wait to be released by hand.',
      'If the journey shall know what was decided: write the fields of the response (`response.status`, `response.audience`, `response.until`) to attributes.',
    ],
    notes: notesOn(body),
    addresses: Object.fromEntries(regions.map((region) => [region, SENDING_ADDRESSES[region]])),
  };
}

function notesOn({ event, engine, attributes }: BodyOptions): string[] {
  const notes = [
    engine === 'latest'
      ? 'For the latest Liquid engine (accounts since 2023-11-28). If the preview does not know `default` or `json`, print the template for the other one by --engine legacy.'
      : 'For the legacy Liquid engine. If the preview does not know `to_json`, write `json` in its place.',
    '`{{ delivery_id }}` is another one for each webhook action, as an event_id must be. Never use the id of the event that triggered the journey for two actions: the second one is answered 409.',
    'An empty value counts as absent. A namespace that is misspelt (`costumer.id`) renders empty without an error: look at the preview.',
    'Customer.io does not slow webhook actions down: everybody who enters at once is sent at once. Headgate is made for that.',
  ];
  if (event === 'cio.audience_add') notes.push('What takes people out again is the window, an `excludes` of another audience, or an action with --event cio.audience_remove.');
  if (event === 'cio.audience_remove') notes.push('Whether somebody is removed is said by this constant alone: Liquid cannot read segment membership.');
  if (event === 'cio.forward') notes.push('An action gets customer ids, hashes, context and attributes, never an e-mail address or phone number: those are hashed on receipt, wherever they stand.');
  if (Object.values(attributes).some((path) => path.startsWith('event.'))) notes.push('`event.…` is there only in journeys that an event triggered; elsewhere take `customer.…`, `journey.…` or `trigger.…` by --attribute name=path.');
  return notes;
}

/** The attributes that the templates of an action use, taken from the event that triggered the journey. */
export function attributesOf(uses: readonly string[]): Record<string, string> {
  const names = uses.flatMap((used) => (used.startsWith('attributes.') ? [used.split('.')[1] ?? ''] : []));
  return Object.fromEntries([...new Set(names)].filter((name) => /^[A-Za-z_][\w-]*$/.test(name)).map((name) => [name, `event.${name}`]));
}

/** Every template that headgate.yaml has a use for. */
export function allBodies({ policies }: Registry, usesOf: (action: string) => readonly string[], more: Pick<BodyOptions, 'profile' | 'engine' | 'attributes'>): BodyOptions[] {
  const audiences = [...policies.audiences.keys()].flatMap((audienceKey): BodyOptions[] => [{ event: 'cio.audience_add', audienceKey, ...more }, { event: 'cio.audience_remove', audienceKey, ...more }]);
  const actions = [...(policies.actions?.keys() ?? [])].map((action): BodyOptions => ({ event: 'cio.forward', action, ...more, attributes: { ...attributesOf(usesOf(action)), ...more.attributes } }));
  return [...audiences, { event: 'cio.exposure', exposure: 'journey_entered', ...more }, ...actions];
}

/** The headgate.yaml of the stories. Each path of a sync, an action and an export has one of its own, so that its history holds nothing else. */
import { SECRET } from '../../support/service.ts';

export const CART = 'high_intent_cart_7d_v1';
export const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
export const RECENT = 'recent_7d_v1';
export const LAPSED = 'lapsed_30d_v1';
export const DORMANT = 'dormant_30d_v1';
export const FORMER = 'former_30d_v1';

/** Audiences whose syncs have a story. */
export const META_SYNCS = ['pushes', 'outage', 'updates', 'paused_meanwhile', 'wrong_row', 'rests', 'removals_refused', 'handed_over'] as const;
export const GOOGLE_SYNCS = ['decided_later', 'cannot_be_asked', 'refused_later'] as const;
export const audienceOf = (sync: (typeof META_SYNCS)[number] | (typeof GOOGLE_SYNCS)[number]): string => `${sync}_7d_v1`;

export const ACTIONS = ['direct_mail', 'outage', 'updates', 'rests', 'handed_over', 'wrong_event'] as const;
export const EXPORTERS = ['bq_calm', 'bq_outage', 'bq_updates', 'bq_parked', 'bq_handed_over'] as const;
export const EVERY_EXPORTER = [...EXPORTERS, 'bq_gone'] as const;

export interface Changes {
  /** The window of recent_7d_v1. */
  recentWindow?: string;
  /** Whether lapsed_30d_v1 has a second target. */
  more?: boolean;
  /** Whether there are an action and an exporter that are gone later. */
  goners?: boolean;
}

/** A headgate.yaml, which may be JSON. */
export function registryOf({ recentWindow = '7d', more = false, goners = true }: Changes = {}): string {
  let id = 0;
  const audience = (window: string, ...destinations: string[]) => ({ description: 'for a story', owner: { name: 'Stories' }, window, targets: Object.fromEntries(destinations.map((destination) => [destination, String(6_000_000_000_001 + id++)])) });
  const meta = { platform: 'meta', sandbox: true, access_token: 'a-token-for-stories', timeout: '5s', calls_per_minute: 6_000 };
  const action = { kind: 'http', sandbox: true, url: 'https://mail.example/v1/letters', timeout: '5s', calls_per_minute: 6_000, body: { customer: '{{ customer_id }}', sku: "{{ attributes.sku | default: 'none' }}" } };
  const exporter = (name: string) => ({ platform: 'bigquery', sandbox: true, project: 'acme-analytics', dataset: name, every: '5s', timeout: '5s' });
  return JSON.stringify({
    sources: { demo: { signing_secret: SECRET } },
    destinations: {
      meta_main: { ...meta, ad_account: 'act_1' },
      meta_more: { ...meta, ad_account: 'act_2' },
      google_main: { platform: 'google', sandbox: true, operating_account: '1234567890', timeout: '5s', gather: '20ms', status_after: '500ms', status_at_most: '1s' },
    },
    audiences: {
      [CART]: audience('7d', 'meta_main'),
      [CROSS_SELL]: { ...audience('14d', 'meta_main'), excludes: [CART] },
      [RECENT]: audience(recentWindow, 'meta_main'),
      [DORMANT]: audience('30d', 'meta_main', 'meta_more'),
      [FORMER]: audience('30d', 'meta_main', 'meta_more'),
      ...Object.fromEntries(META_SYNCS.map((sync) => [audienceOf(sync), audience('7d', 'meta_main')])),
      ...Object.fromEntries(GOOGLE_SYNCS.map((sync) => [audienceOf(sync), audience('7d', 'google_main')])),
      // The last one, because what is added must not move the ids of the others.
      [LAPSED]: audience('30d', 'meta_main', ...(more ? ['meta_more'] : [])),
    },
    actions: { ...Object.fromEntries(ACTIONS.map((name) => [name, name === 'rests' ? { ...action, calls_per_minute: 1 } : action])), ...(goners ? { gone: action } : {}) },
    exporters: { ...Object.fromEntries(EXPORTERS.map((name) => [name, exporter(name)])), ...(goners ? { bq_gone: exporter('bq_gone') } : {}) },
  });
}

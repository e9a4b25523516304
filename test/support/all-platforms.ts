/** A registry with two audiences at all platforms, and at a second account of one. */
import { SECRET } from './service.ts';

export const CART = 'high_intent_cart_7d_v1';
export const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
export const NAMES = ['meta_main', 'google_main', 'tiktok_main', 'snap_main'] as const;
export type Name = (typeof NAMES)[number];

const targets = (id: string): string => `{ ${NAMES.map((name) => `${name}: "${id}"`).join(', ')}, meta_second: "${id}" }`;
export const ALL_PLATFORMS = `
sources:
  demo: { signing_secret: ${SECRET}, default_country: US }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 5s }
  meta_second: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_2, timeout: 5s }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890", timeout: 5s, gather: 20ms, status_after: 100ms, status_at_most: 200ms }
  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-tests, advertiser_id: "7", timeout: 5s, rows_per_call: 10000, calls_per_minute: 6000 }
  snap_main: { platform: snap, sandbox: true, ad_account: a, client_id: c, client_secret: a-secret-for-tests, refresh_token: a-token-for-tests, timeout: 5s, calls_per_minute: 6000 }
audiences:
  ${CART}:
    description: Abandoned a cart
    owner: { name: Tests }
    window: 7d
    targets: ${targets('6000000000001')}
  ${CROSS_SELL}:
    description: Paid
    owner: { name: Tests }
    window: 14d
    excludes: [${CART}]
    targets: ${targets('6000000000002')}
`;

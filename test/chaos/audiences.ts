/**
 * What Headgate runs with in the chaos suite: windows of several lengths, none, `excludes`, a holdout, on four platforms.
 * The oracle reads the same lists; it never asks Headgate what they mean.
 */

export const SECRET = 'a-signing-secret-for-chaos';
export const SOURCE = 'demo';

export const DESTINATIONS = ['meta_main', 'google_main', 'tiktok_main', 'snap_main'] as const;
export type DestinationName = (typeof DESTINATIONS)[number];

export interface ChaosAudience {
  key: string;
  /** Milliseconds; null without a window. */
  windowMs: number | null;
  excludes: readonly string[];
  holdout: number;
  /** Destination to the platform's id of the audience. */
  targets: Partial<Record<DestinationName, string>>;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const CART = 'high_intent_cart_7d_v1';
export const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
export const FLASH = 'flash_sale_1h_v1';
export const WINBACK = 'winback_3d_v1';
export const VIP = 'vip_v1';

export const AUDIENCES: readonly ChaosAudience[] = [
  { key: CART, windowMs: 7 * DAY, excludes: [], holdout: 0, targets: { meta_main: '6001', google_main: '5001', tiktok_main: '7001', snap_main: '8001' } },
  { key: CROSS_SELL, windowMs: 14 * DAY, excludes: [CART, WINBACK], holdout: 0, targets: { meta_main: '6002', google_main: '5002', tiktok_main: '7002' } },
  { key: FLASH, windowMs: HOUR, excludes: [], holdout: 0, targets: { meta_main: '6003', snap_main: '8003' } },
  { key: WINBACK, windowMs: 3 * DAY, excludes: [], holdout: 0.3, targets: { meta_main: '6004', tiktok_main: '7004' } },
  { key: VIP, windowMs: null, excludes: [], holdout: 0, targets: { google_main: '5005', snap_main: '8005' } },
];

export interface ChaosTarget {
  destination: DestinationName;
  audience: ChaosAudience;
  platformAudienceId: string;
}

export const TARGETS: readonly ChaosTarget[] = AUDIENCES.flatMap((audience) =>
  DESTINATIONS.flatMap((destination) => {
    const platformAudienceId = audience.targets[destination];
    return platformAudienceId === undefined ? [] : [{ destination, audience, platformAudienceId }];
  }),
);

export const audienceOf = (key: string): ChaosAudience => {
  const audience = AUDIENCES.find((one) => one.key === key);
  if (!audience) throw new Error(`the chaos registry has no audience ${key}`);
  return audience;
};

const audienceEntry = ({ key, windowMs, excludes, holdout, targets }: ChaosAudience): string => {
  const way = windowMs === null ? 'exit: cio.audience_remove' : `window: ${String(windowMs / HOUR)}h`;
  const own = JSON.stringify(targets);
  return `  ${key}: { description: Chaos, owner: { name: Chaos }, ${way}, excludes: [${excludes.join(', ')}], holdout: ${String(holdout)}, targets: ${own} }`;
};

/** `headgate.yaml`. Platforms answer within 2 s or not at all; Google is asked soon what it decided. */
export const REGISTRY = `
sources:
  ${SOURCE}: { signing_secret: ${SECRET}, default_country: US }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-chaos, ad_account: act_1, timeout: 2s }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890", timeout: 2s, gather: 200ms, status_after: 300ms, status_at_most: 1s, give_up_after: 20s, calls_per_minute: 6000 }
  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-chaos, advertiser_id: "7", timeout: 2s, calls_per_minute: 6000 }
  snap_main: { platform: snap, sandbox: true, ad_account: a, client_id: c, client_secret: a-secret-for-chaos, refresh_token: a-token-for-chaos, timeout: 2s, calls_per_minute: 6000 }
audiences:
${AUDIENCES.map(audienceEntry).join('\n')}
`;

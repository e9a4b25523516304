/** One audience at three destinations of three platforms, and the same at the only one that answers at once. */
export const BENCH_SECRET = 'a-signing-secret-for-benches';

const registry = (destinations: string, targets: string): string => `
sources:
  demo: { signing_secret: ${BENCH_SECRET}, reporting_secret: ${BENCH_SECRET}, reporting: { workflows: only_where_needed } }
destinations:
${destinations}
audiences:
  high_intent_cart_7d_v1:
    description: Abandoned a cart
    owner: { name: Bench }
    window: 7d
    targets: { ${targets} }
`;

const META = '  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-benches, ad_account: act_1 }';
const GOOGLE = '  google_main: { platform: google, sandbox: true, operating_account: "1234567890" }';
const TIKTOK = '  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-benches, advertiser_id: "7" }';

export const BENCH_REGISTRY = registry([META, GOOGLE, TIKTOK].join('\n'), 'meta_main: "1", google_main: "2", tiktok_main: "3"');
export const CROWD_REGISTRY = registry(META, 'meta_main: "1"');

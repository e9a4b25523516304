/** One audience at three destinations of three platforms. */
export const BENCH_SECRET = 'a-signing-secret-for-benches';

export const BENCH_REGISTRY = `
sources:
  demo: { signing_secret: ${BENCH_SECRET} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-benches, ad_account: act_1 }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890" }
  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-benches, advertiser_id: "7" }
audiences:
  high_intent_cart_7d_v1:
    description: Abandoned a cart
    owner: { name: Bench }
    window: 7d
    targets: { meta_main: "1", google_main: "2", tiktok_main: "3" }
`;

/** One audience at three destinations. */
export const BENCH_SECRET = 'a-signing-secret-for-benches';
const destination = (name: string): string => `  ${name}: { platform: meta, sandbox: true, access_token: a-token-for-benches, ad_account: act_1 }`;

export const BENCH_REGISTRY = `
sources:
  demo: { signing_secret: ${BENCH_SECRET} }
destinations:
${['meta_one', 'meta_two', 'meta_three'].map(destination).join('\n')}
audiences:
  high_intent_cart_7d_v1:
    description: Abandoned a cart
    owner: { name: Bench }
    window: 7d
    targets: { meta_one: "1", meta_two: "2", meta_three: "3" }
`;

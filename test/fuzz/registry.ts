/** What the attacked service is set up with: two sources, every kind of thing that has a route, and secrets that can be told from any other text. */

/** Whatever of these is seen in an answer or in the log has leaked. */
export const SECRETS = {
  signing: 'fuzz-signing-secret-0f1e2d3c4b5a',
  oldSigning: 'fuzz-old-signing-secret-5a4b3c2d',
  reporting: 'fuzz-reporting-secret-9a8b7c6d5e',
  bearer: 'fuzz-bearer-token-1a2b3c4d5e6f',
  otherSigning: 'fuzz-other-signing-secret-77aa88',
  otherBearer: 'fuzz-other-bearer-token-99bb00cc',
  platform: 'fuzz-platform-token-abcdef012345',
  slack: 'fuzzslackpath0123456789',
  read: 'fuzz-read-token-24680ace13579bdf',
  operator: 'fuzz-operator-token-fdb97531eca8',
} as const;

export const AUDIENCE = 'high_intent_cart_7d_v1';
export const OTHER_AUDIENCE = 'other_shop_7d_v1';

export const REGISTRY = `
sources:
  demo: { signing_secret: ["${SECRETS.signing}", "${SECRETS.oldSigning}"], reporting_secret: "${SECRETS.reporting}", bearer_token: "${SECRETS.bearer}", default_country: US }
  other: { signing_secret: "${SECRETS.otherSigning}", bearer_token: "${SECRETS.otherBearer}" }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: "${SECRETS.platform}", ad_account: act_1, timeout: 5s }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 5s, timeout: 5s }
actions:
  ops_slack:
    kind: slack
    sandbox: true
    webhook_url: https://hooks.slack.com/services/T0000/B0000/${SECRETS.slack}
    text: "{{ customer_id }} left a cart of {{ attributes.cart_value }}, {{ context.campaign_name }}"
audiences:
  ${AUDIENCE}: { description: Abandoned a cart, owner: { name: Retention }, window: 7d, targets: { meta_main: "6000000000001" } }
  post_purchase_cross_sell_14d_v1: { description: Paid, owner: { name: Retention }, window: 14d, excludes: [${AUDIENCE}], targets: { meta_main: "6000000000002" } }
  ${OTHER_AUDIENCE}: { description: Of the other shop, owner: { name: Retention }, window: 7d, targets: { meta_main: "6000000000003" } }
`;

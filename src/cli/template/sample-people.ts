/** People as Customer.io may have them, for trying templates: usual ones, and such as break a body that was written without care. */
import { UNSENT } from '../../domain/event.ts';

export interface SamplePerson {
  name: string;
  /** What Liquid finds. */
  scope: Record<string, unknown>;
}

const CAMPAIGN = { id: 7, name: 'Cart abandoners', type: 'behavioral' };
const MESSAGE = { id: 42, name: 'Tell Headgate', type: 'webhook_action', journey_id: '01HZX4S9J8Q6T0V2M3N5P7R9WY' };
const ADA = { id: 'c_123', cio_id: 'd9c106000001', email: 'ada@example.com', phone: '+15551234567', first_name: 'Ada', last_name: 'Lovelace', country: 'US', city: 'Springfield', postal_code: '12345' };

interface Sample {
  name: string;
  customer?: Record<string, unknown>;
  campaign?: unknown;
  message?: unknown;
  /** Stands at every path that the template takes attributes from; `missing`: nothing stands there. */
  attribute?: unknown;
}

const MISSING = Symbol('missing');

const SAMPLES: readonly Sample[] = [
  { name: 'somebody with everything', attribute: 182.5 },
  { name: 'a lead, known by e-mail alone', customer: { email: 'lead@example.com' }, attribute: 'BUNDLE-9' },
  { name: "known by Customer.io's id alone", customer: { id: null, email: null, cio_id: 'a3000001' }, attribute: null },
  { name: 'missing attributes', customer: { id: 'c_1' }, attribute: MISSING },
  { name: 'empty attributes', customer: { id: 'c_1', email: '', phone: '', cio_id: '', first_name: '' }, attribute: '' },
  { name: 'numbers as ids and phones', customer: { ...ADA, id: 12345, phone: 15551234567 }, attribute: 0 },
  { name: 'numbers as texts', customer: { ...ADA, id: '00012345' }, attribute: '182.50' },
  { name: 'false, which is not nothing', attribute: false },
  { name: 'quotes', customer: { ...ADA, id: 'c_"123"', first_name: 'Ada "the Countess"', last_name: "O'Neil" }, campaign: { ...CAMPAIGN, name: 'The "last" chance' }, attribute: '19" rack' },
  { name: 'backslashes', customer: { ...ADA, id: 'acme\\ada' }, campaign: { ...CAMPAIGN, name: 'C:\\carts\\new' }, attribute: 'a\\nb\\"' },
  { name: 'line ends and tabs', campaign: { ...CAMPAIGN, name: 'Two\nlines' }, attribute: 'first\r\nsecond\tthird\u2028fourth' },
  { name: 'emoji and other scripts', customer: { ...ADA, first_name: '愛', last_name: 'محمد' }, campaign: { ...CAMPAIGN, name: '🛒 Panier abandonné' }, attribute: '👩‍👩‍👧‍👦 ünïcödé' },
  { name: 'HTML', campaign: { ...CAMPAIGN, name: '<b>Carts</b> &amp; more' }, attribute: '<script>alert("x")</script>' },
  { name: 'Liquid in values', campaign: { ...CAMPAIGN, name: '{{ customer.email }}' }, attribute: '{% raw %}{{ customer }}{% endraw %}' },
  { name: 'JSON in values', attribute: '", "event": "cio.audience_remove", "x": "' },
  { name: 'a list of things', attribute: [{ sku: 'A"1', price: 9.5 }, { sku: 'B', price: null }] },
  { name: 'a very long value', attribute: 'long '.repeat(4_000) },
  { name: 'outside campaigns (a broadcast, a shortcut)', campaign: MISSING, message: { id: 42, name: 'A broadcast' }, attribute: 1 },
];

/**
 * The samples, each with a value at every path that attributes come from. Delivery ids are those of previews and test sends, so that a running Headgate checks
 * and answers what it is sent and decides nothing.
 */
export const samplePeople = (attributePaths: readonly string[]): SamplePerson[] =>
  SAMPLES.map(({ name, customer = ADA, campaign = CAMPAIGN, message = MESSAGE, attribute }) => {
    const scope: Record<string, unknown> = { customer: { ...customer }, message, delivery_id: UNSENT, event_name: 'cart_abandoned', event: {}, journey: {}, trigger: {} };
    if (campaign !== MISSING) scope['campaign'] = campaign;
    if (attribute !== MISSING) for (const path of attributePaths) put(scope, path.split('.'), attribute);
    return { name, scope };
  });

function put(scope: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    // Who somebody is stays as the sample says.
    if (!Object.hasOwn(scope, first)) scope[first] = value;
    return;
  }
  const below = scope[first];
  const next = typeof below === 'object' && below !== null ? (below as Record<string, unknown>) : {};
  scope[first] = next;
  put(next, rest, value);
}

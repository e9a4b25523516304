/** The console in a browser, on a running service: what people see and do, in both schemes, wide and on a phone. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROWSER_START_TIMEOUT_MS, startBrowser } from '../support/browser.ts';
import { holdWave } from '../support/held-wave.ts';
import { CROSS_SELL_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const CROSS_SELL = 'post_purchase_cross_sell_14d_v1';
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const HOSTILE = `"><script>window.ran=1</script><img src=x onerror="window.ran=1">' onmouseover='window.ran=1' autofocus onfocus='window.ran=1`;

const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];

let service: TestService;
let browser: Browser;
let eventId: string;
let forwardedId: string;
let personId: string;
/** What the pages of all tests complained about. */
const complaints: string[] = [];

beforeAll(async () => {
  browser = await startBrowser();
  service = await startService({ registry: `${REGISTRY}actions:\n  ops_slack: { kind: slack, sandbox: true, mode: paused, bot_token: xoxb-for-tests, channel: C0OPS, text: "{{ customer_id }} left a cart" }\n` });
  const { person } = somebody();
  const answer = await service.post({ ...person, context: { campaign_name: HOSTILE }, attributes: { [HOSTILE]: HOSTILE } });
  eventId = String(answer.body['event_id']);
  const read = await service.read(`/v1/events/${eventId}`);
  personId = String(read.body['person_id']);
  forwardedId = String((await service.post({ ...somebody().person, event: 'cio.forward', audience_key: undefined, action: 'ops_slack' })).body['event_id']);
  const { person: buyer, hash } = somebody();
  await service.post({ ...buyer, audience_key: CROSS_SELL });
  await until(() => Promise.resolve(service.members(CROSS_SELL_AT_META)), (members) => members.includes(hash));
  await until(() => service.database.query("select 1 from deliveries where audience_key = $1 and status = 'accepted'", [CROSS_SELL]), (rows) => rows.length === 1);
  await holdWave(service.database, service.parts.ledger, { destination: 'meta_main', audienceKey: CROSS_SELL }, HOSTILE);
  expect((await service.post({ customer_id: HOSTILE, audience_key: HOSTILE, event: HOSTILE, event_id: HOSTILE })).status).toBe(422);
  await service.database.query(
    "insert into alerts (rule, subject, level, finding, owners, seen_at, last_seen_at, level_since, raised_at) values ('sync_stuck', $1, 'critical', $2, $3, now(), now(), now(), now())",
    [HOSTILE, { rule: 'sync_stuck', subject: HOSTILE, level: 'critical', what: HOSTILE, since: Date.now(), stillTargeted: 2, cure: HOSTILE, command: HOSTILE }, [HOSTILE]],
  );
  const { page, context } = await look(false);
  await page.goto(`${service.url}/console/sign-in`);
  await page.fill('[name=name]', 'Grace');
  await page.click('main button');
  await page.waitForURL(/\/console$/);
  operator = await context.storageState();
  await context.close();
}, BROWSER_START_TIMEOUT_MS);
afterAll(async () => {
  await browser.close();
  await service.stop();
});

/** What the browser keeps of an operator who has signed in. */
let operator: Awaited<ReturnType<BrowserContext['storageState']>>;

async function look(signedIn = true): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ colorScheme: 'light', viewport: { ...WIDE }, ...(signedIn ? { storageState: operator } : {}) });
  context.setDefaultTimeout(45_000);
  const page = await context.newPage();
  page.on('console', (message) => {
    // Pages that are refused or are not there are what some tests ask for.
    if (['error', 'warning'].includes(message.type()) && !/status of 4\d\d/.test(message.text())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`${page.url()}: a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return { page, context };
}

/** Of what axe-core finds by these rules of WCAG 2 A and AA, the serious and critical ones. */
async function barriers(page: Page, rules: readonly string[]): Promise<string[]> {
  // By the debugger: the page's own policy lets no script of others in.
  await page.evaluate(AXE);
  const found = await page.evaluate(async (runOnly) => {
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
    return (await axe.run({ runOnly, resultTypes: ['violations'] })).violations;
  }, [...rules]);
  return found.filter(({ impact }) => ['serious', 'critical'].includes(impact)).flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${page.url()} ${id}: ${html.slice(0, 200)} ${failureSummary}`));
}

const paths = (): string[] => [
  '/', `/audiences/${CROSS_SELL}`, '/people', `/people/${personId}`, `/events/${eventId}`, `/events/${forwardedId}`, '/quarantine', '/quarantine/1', '/alerts', '/actions', '/live', '/try', '/runbook', '/sign-in', '/no-such-page',
];
/** Between them they have every colour. */
const darkPaths = (): string[] => ['/', `/audiences/${CROSS_SELL}`, '/alerts'];

test('every page is legible, fits a wide window and a phone, and runs nothing of a webhook', async () => {
  const { page, context } = await look();
  const widthToScroll = (): Promise<number> => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
  for (const path of paths()) {
    await page.goto(`${service.url}/console${path}`);
    expect(await widthToScroll(), `${path} scrolls sideways`).toBe(0);
    expect(await page.locator('h1').count()).toBe(1);
    // Whatever waits to be touched.
    await page.evaluate("for (const one of document.querySelectorAll('main *')) one.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }))");
    expect(await page.evaluate('globalThis.ran'), `${path} ran a script`).toBeUndefined();
    expect(await barriers(page, WCAG)).toEqual([]);
    await page.setViewportSize(PHONE);
    expect(await widthToScroll(), `${path} scrolls sideways on a phone`).toBe(0);
    await page.setViewportSize(WIDE);
  }
  await context.close();
});

test('the dark colours are legible too', async () => {
  const { page, context } = await look();
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of darkPaths()) {
    await page.goto(`${service.url}/console${path}`);
    expect(await barriers(page, ['color-contrast'])).toEqual([]);
  }
  await context.close();
});

test('an event that is sent shows in the live list by itself, and the filters tell it from others', async () => {
  const { page, context } = await look(false);
  await page.goto(`${service.url}/console/live`);
  const { person } = somebody();
  const { body } = await service.post(person);
  const id = String(body['event_id']);
  await page.waitForSelector(`tr[data-key="${id}"].new`);
  await page.selectOption('[name=status]', 'invalid');
  await page.click('main form button');
  await page.waitForURL(/status=invalid/);
  expect(await page.locator(`tr[data-key="${id}"]`).count()).toBe(0);
  expect(await page.locator('tr[data-key^="quarantine/"]').count()).toBeGreaterThan(0);
  // From the list to the event, and to its person.
  await page.goto(`${service.url}/console/live?event=audience_add&status=applied`);
  await page.click(`tr[data-key="${id}"] a[href$="/events/${id}"]`);
  await page.waitForSelector('text=accepted');
  await page.click('dd a[href*="/people/"]');
  expect(await page.locator('h1').textContent()).toContain(`Person ${person.customer_id}`);
  await context.close();
});

test('a webhook is judged while it is typed, and sent as a test', async () => {
  const { page, context } = await look();
  await page.goto(`${service.url}/console/try`);
  await page.fill('textarea', '{"schema_version":1,"event":"cio.audience_add"}');
  await page.waitForSelector('#verdict >> text=audience_key');
  await page.fill('textarea', JSON.stringify({ schema_version: 1, event_id: 'typed', event: 'cio.audience_add', audience_key: CART, timestamp: Date.now() / 1_000, email: 'ada@example.com' }));
  await page.waitForSelector('#verdict >> text=It would be taken');
  expect(await page.locator('#verdict').textContent()).not.toContain('ada@example.com');
  expect((await service.read('/v1/events/typed')).status).toBe(404);
  await page.click('text=Send as a test');
  await page.click('#verdict a.id');
  expect(await page.locator('dl').textContent()).toContain('test');
  await context.close();
});

test('whoever has not signed in is shown no buttons; an operator replays what was corrected', async () => {
  const { customer_id: customerId } = somebody().person;
  expect((await service.post({ customer_id: customerId, event_id: `typo-${customerId}`, audience_key: 'hihg_intent_cart_7d_v1' })).status).toBe(422);
  const { page, context } = await look(false);
  await page.goto(`${service.url}/console/quarantine`);
  await page.click('tbody tr:first-child th a');
  expect(await page.locator('main button:not(.refresh)').count()).toBe(0);
  await page.click('main >> text=Sign in');
  await page.fill('[name=name]', 'Grace');
  await page.click('main button');
  await page.waitForURL(/\/console\/quarantine\/\d+$/);
  await page.fill('textarea', (await page.inputValue('textarea')).replace('hihg', 'high'));
  await page.click('text=Only try');
  await page.waitForSelector('.notice.good >> text=It would be replayed');
  await page.fill('main form:has(textarea) [name=because]', 'a typing mistake');
  await page.click('main button:text-is("Replay")');
  await page.waitForSelector('.notice.good >> text=Replayed: applied');
  expect(await page.locator('dl').textContent()).toContain('by Grace: a typing mistake');
  await until(() => service.read(`/v1/events/typo-${customerId}`), ({ status }) => status === 200);
  await context.close();
});

test('an operator pauses a target and lets it go on', async () => {
  const { page, context } = await look();
  await page.goto(`${service.url}/console/audiences/${CART}`);
  await page.click(`[aria-label="Pause meta_main/${CART}"]`);
  await page.waitForSelector('.notice.good');
  await until(async () => {
    await page.goto(`${service.url}/console/audiences/${CART}`);
    return page.locator('.badge:text-is("paused")').count();
  }, (count) => count === 1);
  await page.click(`[aria-label="Resume meta_main/${CART}"]`);
  await page.waitForSelector('.notice.good');
  const standings = await until(() => service.parts.ledger.listTargets(), (targets) => targets.every(({ paused }) => !paused));
  expect(standings.length).toBeGreaterThan(0);
  for (const [action, answer] of [['Push now', 'is asked to push now'], ['Retry', 'are tried again']] as const) {
    await page.goto(`${service.url}/console/audiences/${CART}`);
    await page.click(`[aria-label="${action} meta_main/${CART}"]`);
    await page.waitForSelector(`.notice.good >> text=${answer}`);
  }
  await context.close();
});

test('an operator lets go what the guard holds', async () => {
  const { page, context } = await look();
  await page.goto(`${service.url}/console/audiences/${CROSS_SELL}`);
  await page.fill('[name=because]', 'a launch');
  await page.click('button:text("Release 1 add")');
  await page.waitForSelector('.notice.good >> text=Released: 1 add');
  expect(await page.locator('.wave').count()).toBe(0);
  expect(await service.database.query('select ended_by, ended_because from guard_holds')).toEqual([{ ended_by: 'Grace', ended_because: 'a launch' }]);
  await context.close();
});

test('the keyboard is enough: skip link, visible focus, from the search to a person', async () => {
  const { page, context } = await look(false);
  await page.goto(`${service.url}/console/people`);
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.name')).toBe('kind');
  expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe('solid');
  await page.keyboard.type('Headgate');
  await page.keyboard.press('Tab');
  await page.keyboard.type(personId);
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/people/${personId}$`));
  // What scrolls can be reached and moved.
  await page.focus('.scroll');
  expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe('solid');
  await context.close();
});

test('a link from another site leads to the page, and whoever was signed in still is', async () => {
  const { page, context } = await look();
  await page.route('http://elsewhere.example.com/', (route) => route.fulfill({ contentType: 'text/html', body: `<a href="${service.url}/console/quarantine">look</a>` }));
  await page.goto('http://elsewhere.example.com/');
  await page.click('a');
  await page.waitForURL(/\/console\/quarantine$/);
  await page.waitForSelector('h1:text("Quarantine")');
  expect(await page.locator('.who').textContent()).toContain('Grace (operator)');
  // The links of alerts' messages.
  await page.route('http://elsewhere.example.com/', (route) => route.fulfill({ contentType: 'text/html', body: `<a href="${service.url}/runbook#target_stuck">look</a>` }));
  await page.goto('http://elsewhere.example.com/');
  await page.click('a');
  await page.waitForURL(/\/console\/runbook#target_stuck$/);
  expect(await page.locator('h2:target').textContent()).toBe('target_stuck');
  await context.close();
});

test('a form of another site does nothing', async () => {
  const { page, context } = await look();
  await page.route('http://elsewhere.example.com/', (route) => route.fulfill({ contentType: 'text/html', body: `<form method="post" action="${service.url}/console/targets/meta_main/${CART}/pause"><button>win</button></form>` }));
  await page.goto('http://elsewhere.example.com/');
  const [response] = await Promise.all([page.waitForResponse(/\/pause$/), page.click('button')]);
  expect(response.status()).toBe(401);
  expect((await service.parts.ledger.listTargets()).filter(({ paused }) => paused)).toEqual([]);
  await context.close();
});

test('no page complained: no error of a script, nothing that the policy refused', () => {
  expect(complaints).toEqual([]);
});

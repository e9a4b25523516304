/** `npm start` with keys: what a newcomer sees in the real Temporal UI, and what Temporal's and Headgate's own command lines read and write. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { findFreePort } from '../../src/embedded/ports.ts';
import { writeNewKey } from '../../src/encryption/index.ts';
import { BROWSER_START_TIMEOUT_MS, startBrowser } from '../support/browser.ts';
import { createInstance, runHeadgate, type HeadgateProcess, type Instance } from '../support/headgate-process.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const SYNC = `headgate/sync/meta_main/${CART}`;
let instance: Instance;
let headgate: HeadgateProcess;
let browser: Browser;
let codecUrl: string;
beforeAll(async () => {
  instance = await createInstance();
  const port = await findFreePort();
  codecUrl = `http://127.0.0.1:${String(port)}`;
  Object.assign(instance.environment, { HEADGATE_ENCRYPTION_KEYS: writeNewKey('2026-11'), HEADGATE_CODEC_PORT: String(port) });
  [headgate, browser] = await Promise.all([instance.start(), startBrowser()]);
}, BROWSER_START_TIMEOUT_MS);
afterAll(async () => {
  await browser.close();
  headgate.child.kill('SIGINT');
  await headgate.exited;
  await instance.remove();
});

const uiUrl = (): string => `http://127.0.0.1:${String(instance.ports.ui)}`;
const temporal = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(inject('temporalBinary'), [...args, '--address', `127.0.0.1:${String(instance.ports.temporal)}`], { maxBuffer: 16 * 1024 * 1024 })).stdout;

test('the Temporal UI shows what an event holds, the server of Temporal does not know it', async () => {
  expect(headgate.output()).toContain(`Codec server  ${codecUrl}`);
  const { person, hash } = somebody();
  const eventId = crypto.randomUUID();
  expect((await headgate.post({ ...person, event_id: eventId, attributes: { sku: 'BUNDLE-9' }, context: { campaign_name: 'Cart abandoners' } })).status).toBe(200);
  await until(() => headgate.members('6000000000001'), (members) => members.includes(hash));
  const history = `${uiUrl()}/api/v1/namespaces/default/workflows/${eventId}/history`;
  const known = await until(async () => (await fetch(history)).text(), (text) => text.includes('TimerStarted') || text.includes('TIMER_STARTED'));
  expect(known).toContain(Buffer.from('binary/encrypted').toString('base64'));
  const readable = known.replace(/"([A-Za-z0-9+/]{8,}={0,2})"/g, (_whole, text: string) => Buffer.from(text, 'base64').toString('latin1'));
  for (const secret of ['BUNDLE-9', person.customer_id, hash, 'Cart abandoners']) expect(known + readable).not.toContain(secret);

  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const refused: string[] = [];
  page.on('response', (response) => {
    if (response.url().startsWith(codecUrl) && !response.ok()) refused.push(`${String(response.status())} ${response.url()}`);
  });
  await page.goto(`${uiUrl()}/namespaces/default/workflows/${eventId}`);
  // The UI renders what workflows say of themselves in frames.
  const shown = async (): Promise<string> => (await Promise.all(page.frames().map((frame) => frame.locator('body').innerText()))).join('\n');
  // The event itself, the summary of the timer, and what the workflow says of itself.
  await until(shown, (text) => text.includes(`"customerId": "${person.customer_id}"`) && text.includes(`leaves ${CART} at`));
  if (process.env['UPDATE_DOCS'] !== undefined) await page.screenshot({ path: 'docs/images/encryption-temporal-ui.png' });
  await page.getByText('User Metadata').click();
  await until(shown, (text) => text.includes(`${person.customer_id} enters ${CART}`));
  expect(refused).toEqual([]);
  await page.close();
});

test("Temporal's own command line reads and writes by the codec server", async () => {
  const summary = `keeps meta_main/${CART} equal to the ledger`;
  expect(await temporal('workflow', 'describe', '-w', SYNC, '-o', 'json', '--codec-endpoint', codecUrl)).toContain(summary);
  expect(await temporal('workflow', 'describe', '-w', SYNC, '-o', 'json')).not.toContain(summary);
  // The argument goes through /encode, the answer of the workflow through /decode.
  const answered = await temporal('workflow', 'update', 'execute', '-w', SYNC, '--name', 'retry', '--input', '"c_nobody"', '-o', 'json', '--codec-endpoint', codecUrl);
  expect(answered).toContain('tried again');
});

test("Headgate's own command line needs the keys, and says so", async () => {
  const target = ['--destination', 'meta_main', '--audience', CART];
  expect(await runHeadgate(instance, 'pause', ...target)).toMatchObject({ status: 0, output: expect.stringContaining('paused') as string });
  const environment = Object.fromEntries(Object.entries(instance.environment).filter(([name]) => name !== 'HEADGATE_ENCRYPTION_KEYS'));
  const without = await runHeadgate({ ...instance, environment }, 'resume', ...target);
  expect(without.status).toBe(1);
  expect(without.output).toContain('encrypted with the key "2026-11", which this process does not have (it has none). Add that key to HEADGATE_ENCRYPTION_KEYS');
});

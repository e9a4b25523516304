/** Posts hostile bodies, signed, and holds the answers to the description of the api. */
import type { DescribedApi, Route } from '../support/described-api.ts';
import type { Report } from './findings.ts';
import type { HostileBody } from './hostile-bodies.ts';
import { leaksOfAnswer, leaksOfRecord } from './leaks.ts';
import { webhookBytes } from './signed.ts';
import type { Target } from './target.ts';
import { exchangePatiently } from './wire.ts';

const AT_ONCE = 6;

export interface Doors {
  webhook: Route;
  report: Route;
}

export async function runBodies(target: Target, bodies: readonly HostileBody[], api: DescribedApi, doors: Doors, report: Report): Promise<void> {
  const left = [...bodies];
  const work = async (): Promise<void> => {
    for (let body = left.shift(); body && target.ended() === undefined; body = left.shift()) await postOne(target, body, api, body.report ? doors.report : doors.webhook, report);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function postOne(target: Target, { name, body, report: isReport = false }: HostileBody, api: DescribedApi, route: Route, report: Report): Promise<void> {
  const kind = isReport ? 'reports' : 'webhooks';
  const { answers: [answer], end, ms } = await exchangePatiently({ host: target.host, port: target.port, parts: [webhookBytes(target, body, {}, isReport ? '/v1/webhooks/demo/reporting' : '/v1/webhooks/demo')], deadlineMs: target.deadlineMs });
  report.count(kind, answer?.status ?? end, ms, name);
  const find = (what: string): void => {
    report.find(`${kind}/${what.slice(0, 80)}/${name.slice(0, 40)}`, `${kind}, ${name}: ${what}`, `npm run fuzz -- --only ${JSON.stringify(`${kind}/${name}`)}`);
  };
  if (!answer) {
    find(end === 'silence' ? `no answer within ${(ms / 1_000).toFixed(0)} s` : `the connection was ${end}`);
    return;
  }
  if (answer.status >= 500) find(`${String(answer.status)} ${answer.body.slice(0, 200)}`);
  if (isReport && answer.status >= 400 && answer.status !== 413) find(`${String(answer.status)} would stop the whole feed: ${answer.body.slice(0, 200)}`);
  const received = { status: answer.status, type: (answer.headers['content-type'] ?? '').split(';')[0] ?? '', text: answer.body, headers: new Headers(answer.headers['retry-after'] === undefined ? {} : { 'Retry-After': answer.headers['retry-after'] }) };
  const wrong = api.problemsOf(route, received);
  if (wrong.length > 0) find(`the answer is not as described: ${JSON.stringify(wrong).slice(0, 300)}`);
  for (const { what, excerpt } of [...leaksOfAnswer(answer.body, body.toString()), ...leaksOfRecord(answer.body)]) find(`the answer holds ${what}: ${excerpt}`);
}

/** The first page: what is not well, what waits, and whether events come. */
import { Router } from 'express';
import { formatDuration, targetsOf } from '../domain/registry.ts';
import type { AlertView, CallsOverTime, Stretches } from '../ledger/index.ts';
import { openAlerts } from './alerts.ts';
import { bars, stackedBars } from './charts.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import type { Page } from './page.ts';
import { remembered } from './remembered.ts';
import { table, type Column } from './table.ts';
import { readTargets, targetColumns, worstFirst, type ShownTarget } from './targets.ts';
import { throughputOf, type Throughput } from './throughput.ts';
import type { Visit } from './visit.ts';
import { audienceLink, BASE, counted, duration, number, plural } from './words.ts';

const HOUR_MS = 3_600_000;
/** A day in half hours; the calls of two hours, because there are many more of them. */
const DAY: Stretches = { stepMs: HOUR_MS / 2, buckets: 48 };
const LATELY: Stretches = { stepMs: HOUR_MS / 24, buckets: 48 };
/** Members of an audience that are counted for the overview. */
export const MOST_COUNTED = 20_000;
/** How long numbers are remembered, in milliseconds: those that take longer to count for longer. */
const TARGETS_MS = 1_000;
const NUMBERS_MS = 10_000;

const MOST_ALERTS = 50;

interface Numbers {
  webhooks: Throughput;
  quarantined: number[];
  calls: CallsOverTime;
  inside: ReadonlyMap<string, number>;
}

export interface Overview extends Numbers {
  targets: ShownTarget[];
  inQuarantine: number;
  problems: string[];
  alerts: AlertView[];
  /** Nothing has ever come in. */
  isNew: boolean;
}

export function overviewRoutes(options: ConsoleOptions, desk: Desk): Router {
  const { ledger, policies, watchdog, temporalUi } = options;
  const audiences = [...policies.audiences.values()];
  const readNumbers = remembered(NUMBERS_MS, async (): Promise<Numbers> => {
    const [counts, quarantined, calls, inside] = await Promise.all([
      ledger.readDoorCounts(DAY.stepMs * DAY.buckets), ledger.countQuarantinedOverTime(DAY), ledger.countCallsOverTime(LATELY), ledger.countInside(audiences.map(({ key }) => key), MOST_COUNTED),
    ]);
    return { webhooks: throughputOf(counts, Date.now(), DAY), quarantined, calls, inside };
  });
  const readNow = remembered(TARGETS_MS, async () => {
    const [targets, inQuarantine, anything, alerts] = await Promise.all([readTargets(options), ledger.countQuarantined(), ledger.hasEvents(), ledger.listAlerts({ open: true, limit: MOST_ALERTS })]);
    return { targets, inQuarantine, alerts, isNew: !anything && inQuarantine === 0 };
  });
  const router = Router();
  router.get('/', desk.page('reader', async (_request, visit): Promise<Page> => {
    const overview: Overview = { ...(await readNumbers()), ...(await readNow()), problems: watchdog.view.problems };
    return { title: 'Overview', at: BASE, refreshSeconds: 5, body: overviewBody(options, visit, overview, temporalUi) };
  }));
  return router;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const tile = (name: string, value: Content, below: Content, tone: 'plain' | 'warn' | 'bad' = 'plain'): Html =>
  html`<div class="tile ${tone}"><h2>${name}</h2><p class="figure">${value}</p>${below}</div>`;

function tiles({ webhooks, quarantined, calls, targets, inQuarantine }: Overview): Html {
  const troubled = targets.filter(({ state }) => state !== 'ok');
  const stuck = troubled.filter(({ state }) => state === 'stuck').length;
  const backlog = sum(targets.map(({ adds, removals }) => adds + removals));
  const oldest = Math.min(...targets.map(({ oldestAt }) => oldestAt ?? Infinity));
  const failed = sum(calls.failed);
  const guarded = sum(targets.flatMap(({ watch }) => watch.guard.map(({ held }) => held)));
  return html`<div class="tiles">
${tile('Targets not well', number(troubled.length), html`<p>${stuck > 0 ? `${number(stuck)} stuck: somebody must act` : `of ${number(targets.length)}`}</p>`, stuck > 0 ? 'bad' : troubled.length > 0 ? 'warn' : 'plain')}
${tile('Waiting to be pushed', number(backlog), html`<p>${Number.isFinite(oldest) ? `the oldest for ${duration(Date.now() - oldest)}` : 'nothing waits'}${guarded > 0 && `; ${number(guarded)} held by the guard`}</p>`, guarded > 0 ? 'warn' : 'plain')}
${door(webhooks)}
${tile('In quarantine', html`<a href="${BASE}/quarantine">${number(inQuarantine)}</a>`, bars(quarantined, `Webhooks that were kept in quarantine in each half hour of the last day: ${number(sum(quarantined))} in all`, 'bad'), inQuarantine > 0 ? 'warn' : 'plain')}
${tile('Failed calls, 2 h', number(failed), html`${bars(calls.failed, `Calls to platforms that failed in the last two hours: ${number(failed)} of ${number(sum(calls.all))}`, 'bad')}`, failed > 0 ? 'warn' : 'plain')}
</div>`;
}

/** What came to the door, and what became of it. */
function door({ taken, duplicate, refused }: Throughput): Html {
  const [took, repeated, turnedAway] = [sum(taken), sum(duplicate), sum(refused)];
  const rest = [...(repeated > 0 ? [plural(repeated, 'duplicate')] : []), ...(turnedAway > 0 ? [`${number(turnedAway)} refused`] : [])];
  const label = `Webhooks in each half hour of the last day: ${number(took)} taken, ${number(repeated)} duplicates, ${number(turnedAway)} refused; ${number(taken.at(-1) ?? 0)} taken in the last half hour`;
  const layers = [{ tone: 'plain' as const, values: taken }, { tone: 'faint' as const, values: duplicate }, { tone: 'bad' as const, values: refused }];
  return tile('Webhooks taken, 24 h', number(took), html`<p>${rest.length === 0 ? 'no duplicate, none refused' : rest.join(', ')}</p>${stackedBars(layers, label)}`);
}

export function overviewBody({ policies }: ConsoleOptions, visit: Visit, overview: Overview, temporalUi: string | undefined): Content {
  const audiences = [...policies.audiences.values()];
  const audienceColumns: Column<(typeof audiences)[number]>[] = [
    { title: 'Audience', cell: ({ key }) => audienceLink(key) },
    { title: 'In it', cell: ({ key }) => counted(overview.inside.get(key) ?? 0, MOST_COUNTED), kind: 'number' },
    { title: 'Window', cell: ({ windowMs }) => (windowMs === null ? 'none' : formatDuration(windowMs)) },
    { title: 'Owner', cell: ({ owner }) => owner.name },
    { title: 'Description', cell: ({ description }) => description, kind: 'wide' },
  ];
  const targets = [...overview.targets].sort(worstFirst);
  return html`${overview.problems.map((problem) => html`<p class="notice bad" role="alert">${sentence(problem)}</p>`)}
${openAlerts(overview.alerts)}
${overview.isNew && firstEvent(policies.audiences.keys().next().value)}
${tiles(overview)}
${table('Targets, the worst first', targetColumns(visit, temporalUi, true), targets, html`<p>No audience has a target in <code>headgate.yaml</code>: give one <code>targets: { destination: "id" }</code>. <code>npx headgate target create</code> makes the audience at the platform and prints the line.</p>`)}
${table('Audiences', audienceColumns, audiences, html`<p>There is no audience in <code>headgate.yaml</code> yet.</p>`)}
<p class="hint">Numbers of members stop at ${number(MOST_COUNTED)}; webhooks are what the door answered, with a delay of up to 15 seconds; <em>refused</em> are invalid, unauthorised, in conflict, quarantined or not stored. ${plural(targetsOf(policies).length, 'target')} in all.</p>`;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** What a newcomer does next. */
export const firstEvent = (audienceKey = 'KEY'): Html => html`<section class="empty"><h2>No event has come yet</h2><div>
<p>Send the first one in a terminal:</p>
<pre>npx headgate send add --audience ${audienceKey} --email ada@example.com --customer-id c_ada</pre>
<p>Or paste a webhook of Customer.io into <a href="${BASE}/try">Try a webhook</a> to see what Headgate makes of it.</p></div></section>`;

/** One audience: who is in it and how that came, its rules and its targets. */
import { Router } from 'express';
import { readCost, type CostView } from '../api/index.ts';
import { describeShares, sharesOf } from '../domain/holdout.ts';
import { formatDuration, type Audience } from '../domain/registry.ts';
import type { AudienceDay, AudienceHistory, Inside, TargetCounts } from '../ledger/index.ts';
import { area } from './charts.ts';
import { costSection } from './cost.ts';
import type { Desk } from './desk.ts';
import { html, type Content } from './html.ts';
import { notFound } from './not-found.ts';
import type { ConsoleOptions } from './options.ts';
import type { Page } from './page.ts';
import { facts, table, type Column } from './table.ts';
import { readTargets, targetColumns, type ShownTarget } from './targets.ts';
import type { Visit } from './visit.ts';
import { guardSection, watchSection } from './watch.ts';
import { audienceLink, BASE, counted, nothing, number } from './words.ts';

const DAYS = 30;
/** No more of an audience's rows are read for its history, and no more members counted. */
const MOST_ROWS = 100_000;
const MOST_MEMBERS = 500_000;
/** What takes longer is left out. Milliseconds. */
const COUNT_WITHIN_MS = 2_000;

interface AudienceView {
  audience: Audience;
  inside: Inside;
  history: AudienceHistory;
  targets: ShownTarget[];
  deliveries: TargetCounts[] | undefined;
  cost: CostView;
}

export function audienceRoutes(options: ConsoleOptions, desk: Desk): Router {
  const { ledger, policies, watching } = options;
  const router = Router();
  router.get('/audiences/:key', desk.page('reader', async (request, visit): Promise<Page> => {
    const audience = policies.audiences.get(String(request.params['key']));
    if (!audience) return notFound('There is no such audience in headgate.yaml', html`<p>The ones that there are stand on the <a href="${BASE}">overview</a>.</p>`);
    const [inside, history, targets, deliveries, cost] = await Promise.all([
      ledger.countInsideByArm(audience.key, MOST_MEMBERS), ledger.readAudienceHistory(audience.key, DAYS, MOST_ROWS), readTargets(options, audience.key), ledger.countDeliveriesWithin(audience.key, COUNT_WITHIN_MS),
      readCost(ledger, audience, watching),
    ]);
    return { title: audience.key, refreshSeconds: 30, body: audienceBody(options, visit, { audience, inside, history, targets, deliveries, cost }) };
  }));
  return router;
}

/** A day that nothing happened on. */
const quiet = (day: string): AudienceDay => ({ day, entered: 0, renewed: 0, left: 0, expired: 0, held_out: 0, superseded: 0, growth: 0 });

/** Each day from the first one with something to today, the oldest first. */
export function everyDay({ days, cut }: AudienceHistory, today: Date): AudienceDay[] {
  const known = new Map(days.map((day) => [day.day, day]));
  const first = cut ? days[0]?.day : undefined;
  const all = Array.from({ length: DAYS }, (_, index) => new Date(today.getTime() - (DAYS - 1 - index) * 86_400_000).toISOString().slice(0, 10));
  // Of a history that was cut, the first day is not whole.
  return all.filter((day) => first === undefined || day > first).map((day) => known.get(day) ?? quiet(day));
}

/** Members at the end of each day, reckoned back from those of now. */
export function membersOverTime(days: readonly AudienceDay[], now: number): number[] {
  const members: number[] = [];
  let after = now;
  for (const { growth } of [...days].reverse()) {
    members.unshift(Math.max(0, after));
    after -= growth;
  }
  return members;
}

const total = (days: readonly AudienceDay[], what: Exclude<keyof AudienceDay, 'day'>): number => days.reduce((sum, day) => sum + day[what], 0);

function audienceBody(options: ConsoleOptions, visit: Visit, { audience, inside, history, targets, deliveries, cost }: AudienceView): Content {
  const days = everyDay(history, new Date());
  const members = inside.in - inside.holdout;
  const line = membersOverTime(days, members);
  return html`<p class="lead">${audience.description}</p>
${guardSection(visit, targets)}
${facts([
  ['Members', html`<strong>${counted(members, MOST_MEMBERS)}</strong> pushed to platforms`],
  ['Held out', html`${number(inside.holdout)} <span class="quiet">(${describeShares(sharesOf(audience), audience.key)})</span>`],
  ['Window', audience.windowMs === null ? 'none: people stay until something takes them out' : formatDuration(audience.windowMs)],
  ['Entering it leaves', audience.excludes.length === 0 ? nothing : audience.excludes.map((key) => html`${audienceLink(key)} `)],
  ['Owner', html`${audience.owner.name}${[audience.owner.slack, audience.owner.email].map((way) => way !== undefined && html` <span class="quiet">${way}</span>`)}`],
])}
<section><h2>Members, ${String(days.length)} days</h2>
${area(line, `Members at the end of each of the last ${String(days.length)} days: from ${number(line[0] ?? 0)} to ${number(members)}`)}
<p class="legend"><span>${days[0]?.day}: ${number(line[0] ?? 0)}</span><span>at most ${number(Math.max(0, ...line))}</span><span>now: ${counted(members, MOST_MEMBERS)}</span></p>
<p class="hint">Without who is held out. Reckoned back from the members of now by the rows of <code>exposures</code>${history.cut && html`, of which the newest ${number(MOST_ROWS)} are read`}.</p></section>
${facts([
  ['Entered', number(total(days, 'entered'))], ['Renewed', number(total(days, 'renewed'))], ['Left', number(total(days, 'left'))],
  ['Expired', number(total(days, 'expired'))], ['Held out', number(total(days, 'held_out'))], ['Superseded', number(total(days, 'superseded'))],
])}
${table('Targets', [...targetColumns(visit, options.temporalUi, false), ...deliveryColumns(deliveries)], targets, html`<p>This audience has no target: nothing is pushed.</p>`)}
${!deliveries && html`<p class="hint">There are too many deliveries to count them here: <code>npx headgate audience ${audience.key}</code> takes its time.</p>`}
${watchSection(targets)}
${costSection(cost, options.watching.prices !== null)}
${table('Day by day, the newest first', DAY_COLUMNS, [...days].reverse().filter((day) => JSON.stringify(day) !== JSON.stringify(quiet(day.day))), html`<p>Nothing has happened in this audience in ${String(DAYS)} days. Add somebody:</p><pre>npx headgate send add --audience ${audience.key} --email ada@example.com --customer-id c_ada</pre>`)}`;
}

const DAY_COLUMNS: Column<AudienceDay>[] = [
  { title: 'Day', cell: ({ day }) => day },
  ...([['Entered', 'entered'], ['Renewed', 'renewed'], ['Left', 'left'], ['Expired', 'expired'], ['Held out', 'held_out'], ['Superseded', 'superseded']] as const).map(
    ([title, what]): Column<AudienceDay> => ({ title, cell: (day) => number(day[what]), kind: 'number' }),
  ),
];

/** What the platform has said of each member; left out when it takes too long to count. */
function deliveryColumns(deliveries: readonly TargetCounts[] | undefined): Column<ShownTarget>[] {
  if (!deliveries) return [];
  const of = (target: ShownTarget): TargetCounts | undefined => deliveries.find(({ destination }) => destination === target.destination);
  return [
    { title: 'Accepted', cell: (target) => number(of(target)?.accepted_in ?? 0), kind: 'number' },
    { title: 'Rejected', cell: (target) => number(of(target)?.rejected ?? 0), kind: 'number' },
    { title: 'Processing', cell: (target) => number(of(target)?.processing ?? 0), kind: 'number' },
    { title: 'Match rate', cell: ({ matchRate }) => matchRate ?? nothing },
  ];
}

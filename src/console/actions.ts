/** The actions that `cio.forward` events go to: how the sending to each stands. */
import { Router } from 'express';
import { readActions, type ActionView } from '../api/index.ts';
import type { ForwardView } from '../ledger/index.ts';
import type { Desk } from './desk.ts';
import { html, linkTo, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import type { Page } from './page.ts';
import { facts, table, type Column } from './table.ts';
import { badge, BASE, duration, nothing, number, since, state, time } from './words.ts';

const HERE = `${BASE}/actions`;
/** More are counted as so many. */
const MOST_COUNTED = 10_000;

export function actionRoutes(options: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  router.get('/actions', desk.page('reader', async (): Promise<Page> => ({ title: 'Actions', at: HERE, refreshSeconds: 5, body: actionsBody(await readActions(options)) })));
  return router;
}

const upTo = (value: number): string => (value >= MOST_COUNTED ? `${number(MOST_COUNTED)}+` : number(value));

const kindAndMode = ({ kind, mode, ordered }: ActionView): Content =>
  kind === null ? html`<span class="quiet">no longer in headgate.yaml</span>` : html`${kind}${ordered && html` <span class="quiet">in order</span>`}${mode !== 'live' && html` ${badge(`mode ${mode ?? ''}`, 'warn')}`}`;

const cause = ({ cause: why, cure, retry_at: retryAt }: ActionView): Content =>
  why === null ? nothing : html`${why}${cure !== null && cure !== '' && html`<br><strong>What to do:</strong> ${cure}`}${retryAt !== null && retryAt.getTime() > Date.now() && html`<br><span class="quiet">tried again in ${duration(retryAt.getTime() - Date.now())}</span>`}`;

const refused = ({ refused: count, refused_because: why }: ActionView): Content => (count === 0 ? '0' : html`${upTo(count)}${why !== null && html`<br><span class="quiet">${why}</span>`}`);

const COLUMNS: Column<ActionView>[] = [
  { title: 'Action', cell: ({ action }) => action },
  { title: 'Kind', cell: kindAndMode },
  { title: 'State', cell: ({ state: word, since: at }) => html`${state(word)}${word !== 'ok' && at !== null && html` <span class="quiet">for</span> ${since(at.getTime())}`}` },
  { title: 'Waiting', cell: ({ waiting, oldest_waiting: oldest }) => html`${upTo(waiting)}${oldest !== null && html` <span class="quiet">for</span> ${since(oldest.getTime())}`}` },
  { title: 'Sent', cell: ({ sent }) => number(sent), kind: 'number' },
  { title: 'Refused, 30 days', cell: refused, kind: 'wide' },
  { title: 'Last success', cell: ({ last_success_at: at }) => time(at) },
  { title: 'Cause and cure', cell: cause, kind: 'wide' },
  { title: 'Workflow', cell: ({ action, workflow_url: url }) => (url === null ? nothing : html`<a href="${linkTo(url)}" rel="noreferrer" aria-label="Workflow of ${action}">workflow</a>`) },
];

const actionsBody = (actions: readonly ActionView[]): Content => html`${table('Tools that cio.forward events go to', COLUMNS, actions, html`<p>There is no action in <code>headgate.yaml</code>. One is a tool that <code>cio.forward</code> events are sent to, such as Slack:</p><pre>actions:
  ops_slack: { kind: slack, webhook_url: "\${SLACK_WEBHOOK_URL}", text: "{{ customer_id }} left a cart" }</pre>`)}
${actions.length > 0 && html`<p class="hint">What was refused is sent again by <code>npx headgate action retry NAME</code>. <code>npx headgate action pause NAME</code> keeps everything until <code>resume</code>.</p>`}`;

/** What became of one event at its action. */
export const forwardSection = ({ action, state: at, attempts, accepted_at: acceptedAt, tried_at: triedAt, next_try_at: nextTryAt, settled_at: settledAt, status, answer, reason }: ForwardView): Html =>
  html`<section><h2>At its action</h2>${facts([
    ['Action', html`<a href="${HERE}">${action}</a>`],
    ['Now', state(at)],
    ['Answered', status === null ? nothing : html`HTTP ${String(status)}`],
    ['Why', reason ?? nothing],
    ['Accepted by us', time(acceptedAt)],
    ['Tried', html`${attempts === 0 ? 'not yet' : attempts === 1 ? 'once' : `${number(attempts)} times`}${triedAt && html`, <span class="quiet">the last time</span> ${time(triedAt)}`}`],
    nextTryAt === null ? ['Settled', time(settledAt)] : [attempts === 0 ? 'To be sent' : 'Tried again', time(nextTryAt)],
  ])}${answer !== null && answer !== '' && html`<pre tabindex="0" aria-label="Its answer">${answer}</pre>`}</section>`;

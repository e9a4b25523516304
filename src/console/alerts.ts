/** Alerts: what is open, whose it is and what to do; what was told to whom; and what is over. */
import { Router, urlencoded } from 'express';
import { auditedOf, redactText, shortText } from '../api/index.ts';
import { parseDuration } from '../domain/registry.ts';
import type { AlertMessageView, AlertView } from '../ledger/index.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { form, type Page } from './page.ts';
import { table, type Column } from './table.ts';
import type { Visit } from './visit.ts';
import { audiencePath, badge, BASE, duration, nothing, number, plural, RUNBOOK, since, time } from './words.ts';

const HERE = `${BASE}/alerts`;
const MOST = 200;
/** For how long nobody hears of an alert. */
const QUIET_FOR = ['1h', '8h', '1d', '1w'];

export function alertRoutes({ ledger, logger }: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  router.get('/alerts', desk.page('reader', async (_request, visit): Promise<Page> => {
    const [open, over] = await Promise.all([ledger.listAlerts({ open: true, limit: MOST }), ledger.listAlerts({ open: false, limit: MOST })]);
    return { title: 'Alerts', at: HERE, refreshSeconds: 10, body: alertsBody(visit, open, over) };
  }));
  const act = [desk.require('operator'), urlencoded({ extended: false, limit: '10kb' }), desk.checkForm];
  router.post('/alerts/:id/acknowledge', ...act, desk.audited('alert.acknowledge', ({ params }) => ({ subject: `alert ${shortText(params['id'], 20)}` })), async (request, response, next) => {
    const by = redactText(desk.visit(response).session?.name ?? '') || 'somebody in the console';
    const id = String(request.params['id']);
    if (!/^\d{1,15}$/.test(id)) {
      next();
      return;
    }
    const done = await ledger.acknowledgeAlert(Number(id), by, () => [auditedOf(response).done()]);
    desk.answer(request, response, HERE, done ? { tone: 'good', text: 'It is yours: nobody else is told.' } : { tone: 'bad', text: 'Not done: this alert is over.' });
  });
  const mute = desk.audited('alert.mute', ({ body }) => {
    const { rule, subject, for: span } = body as Partial<Record<'rule' | 'subject' | 'for', unknown>>;
    return { subject: `${shortText(rule, 100)} ${shortText(subject, 200)}`, detail: { for: shortText(span, 10) } };
  });
  router.post('/alerts/mute', ...act, mute, async (request, response) => {
    const { rule, subject, for: span } = request.body as Partial<Record<'rule' | 'subject' | 'for', unknown>>;
    const ms = QUIET_FOR.includes(String(span)) ? parseDuration(String(span)) : undefined;
    if (typeof rule !== 'string' || typeof subject !== 'string' || ms === undefined) {
      desk.answer(request, response, HERE, { tone: 'bad', text: `Not done: say for how long (${QUIET_FOR.join(', ')}).` });
      return;
    }
    const by = redactText(desk.visit(response).session?.name ?? '') || 'somebody in the console';
    await ledger.muteAlerts({ rule, subject, ms, by }, () => [auditedOf(response).done()]);
    logger.info({ rule, subject, for: span, by }, 'An operator muted an alert in the console.');
    desk.answer(request, response, HERE, { tone: 'good', text: `Nobody hears of ${rule} about ${subject} for ${String(span)}.` });
  });
  return router;
}

const level = ({ level: word }: Pick<AlertView, 'level'>): Html => badge(word, word === 'critical' ? 'bad' : 'warn');
const about = ({ subject, finding: { audienceKey } }: AlertView): Content => (audienceKey === undefined ? subject : html`<a href="${audiencePath(audienceKey)}">${subject}</a>`);
const what = ({ finding: { what: sentence, stillTargeted, cure, command } }: AlertView): Content =>
  html`${sentence}${stillTargeted > 0 && html`<br><strong>${plural(stillTargeted, 'person is', 'people are')} still targeted who should not be.</strong>`}<br><strong>What to do:</strong> ${cure}${command !== undefined && html`<br><code>${command}</code>`}`;
const ruleName = ({ rule }: AlertView): Content => html`<a href="${RUNBOOK}#${rule}" title="What to do, in the runbook">${rule.replaceAll('_', ' ')}</a> `;

/** What one owner was told, and whether it went out. */
const told = ({ owner, channel, change, createdAt, sentAt, droppedAt, lastError }: AlertMessageView): Html =>
  html`<li>${time(createdAt)} ${change}: ${owner} by ${channel}, ${sentAt !== null ? 'sent' : droppedAt !== null ? 'not needed any more' : html`<strong>not sent yet</strong>`}${lastError !== null && ` (${lastError})`}</li>`;

const messages = ({ messages: list }: AlertView): Content =>
  list.length === 0 ? nothing : html`<details><summary>${plural(list.length, 'message')}</summary><ul class="problems">${list.map(told)}</ul></details>`;

function actions(visit: Visit, { alertId, rule, subject, acknowledgedAt }: AlertView): Content {
  const name = `${rule} about ${subject}`;
  return html`<div class="actions">${acknowledgedAt === null && form(visit, `${HERE}/${String(alertId)}/acknowledge`, html`<button class="small" aria-label="Look after ${name}">I look after it</button>`)}
${form(visit, `${HERE}/mute`, html`<input type="hidden" name="rule" value="${rule}"><input type="hidden" name="subject" value="${subject}"><select name="for" class="small" aria-label="For how long to mute ${name}">${QUIET_FOR.map((span) => html`<option>${span}</option>`)}</select><button class="small" aria-label="Mute ${name}">Mute</button>`, { className: 'actions' })}</div>`;
}

function openColumns(visit: Visit): Column<AlertView>[] {
  return [
    { title: 'Rule', cell: ruleName },
    { title: 'Level', cell: level },
    { title: 'About', cell: about },
    { title: 'For', cell: (alert) => since(alert.finding.since ?? alert.raisedAt) },
    { title: 'What, and what to do', cell: what, kind: 'wide' },
    { title: 'Whose', cell: ({ owners, acknowledgedBy, escalatedAt }) => html`${owners.join(', ')}${acknowledgedBy !== null && html`<br><span class="quiet">${acknowledgedBy} looks after it</span>`}${escalatedAt !== null && html`<br><span class="quiet">escalated</span> ${time(escalatedAt)}`}` },
    { title: 'Told', cell: messages },
    ...(visit.role === 'operator' ? [{ title: 'Actions', cell: (alert: AlertView) => actions(visit, alert) }] : []),
  ];
}

const OVER: Column<AlertView>[] = [
  { title: 'Rule', cell: ruleName },
  { title: 'Level', cell: level },
  { title: 'About', cell: about },
  { title: 'Raised', cell: ({ raisedAt }) => time(raisedAt) },
  { title: 'Over', cell: ({ recoveredAt }) => time(recoveredAt) },
  { title: 'Lasted', cell: ({ raisedAt, recoveredAt }) => (recoveredAt === null ? nothing : duration(recoveredAt - raisedAt)) },
  { title: 'What it was', cell: ({ finding }) => finding.what, kind: 'wide' },
  { title: 'Whose', cell: ({ owners }) => owners.join(', ') },
  { title: 'Told', cell: messages },
];

const alertsBody = (visit: Visit, open: readonly AlertView[], over: readonly AlertView[]): Content => html`${table('Open, the critical ones first', openColumns(visit), open, html`<p>No alert is open. Whom one would go to, and by what, stands in <code>headgate.yaml</code>.</p>`)}
${table('Over, the newest first', OVER, over, html`<p>No alert has been raised and ended yet.</p>`)}
<p class="hint">At most ${number(MOST)} of each.</p>`;

/** For the overview: what is open, in a line each. */
export function openAlerts(open: readonly AlertView[]): Content {
  const shown = open.slice(0, 5);
  return shown.length > 0 && html`<section class="alerts" aria-label="Open alerts">${shown.map((alert) => html`<p class="notice ${alert.level === 'critical' ? 'bad' : 'warn'}">${level(alert)} ${alert.finding.what} <a href="${HERE}">What to do</a></p>`)}${open.length > shown.length && html`<p><a href="${HERE}">${plural(open.length - shown.length, 'more alert')}</a></p>`}</section>`;
}

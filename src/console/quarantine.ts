/** What could not be understood: the list, and one entry with what an operator may do about it. */
import { Router, urlencoded } from 'express';
import { auditedOf, describeKept, discardQuarantined, redactText, replayQuarantined, shortText, tryReplay, understandEntry, type Correction, type EntryResult } from '../api/index.ts';
import type { JsonObject } from '../domain/event.ts';
import type { Problem, StoredEntry } from '../domain/quarantine.ts';
import type { QuarantineFilter, QuarantineState } from '../ledger/index.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import { notFound } from './not-found.ts';
import type { ConsoleOptions } from './options.ts';
import { form, type Page } from './page.ts';
import { facts, table, type Column } from './table.ts';
import type { Notice, Visit } from './visit.ts';
import { BASE, eventLink, nothing, plural, quarantinePath, state, time } from './words.ts';

const ON_A_PAGE = 50;
const HERE = `${BASE}/quarantine`;
const STATES: readonly QuarantineState[] = ['open', 'resolved', 'all'];
/** A corrected body, as a form carries it: three characters for many a byte. */
const LARGEST_FORM = '1mb';

interface Asked {
  shown: QuarantineState;
  reason: string;
  source: string;
  audience: string;
  problem: string;
  before: number | undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value.trim().slice(0, 200) : '');

function readAsked(query: Record<string, unknown>): Asked {
  const shown = STATES.find((one) => one === query['state']) ?? 'open';
  const before = Number(query['before']);
  return { shown, reason: text(query['reason']), source: text(query['source']), audience: text(query['audience']), problem: text(query['problem']), before: Number.isSafeInteger(before) && before > 0 ? before : undefined };
}

const filterOf = ({ reason, source, audience, problem }: Asked): QuarantineFilter => ({
  reason: reason === 'invalid' || reason === 'conflict' ? reason : undefined,
  source: source || undefined, audienceKey: audience || undefined, problem: problem || undefined,
  since: undefined, until: undefined, eventName: undefined,
});

export function quarantineRoutes(options: ConsoleOptions, desk: Desk): Router {
  const { ledger } = options;
  const router = Router();
  router.get('/quarantine', desk.page('reader', async (request): Promise<Page> => {
    const asked = readAsked(request.query);
    const [entries, matching] = await Promise.all([ledger.listQuarantined(asked.shown, filterOf(asked), asked.before, ON_A_PAGE), ledger.countMatchingQuarantined(asked.shown, filterOf(asked), 0)]);
    return { title: 'Quarantine', at: HERE, body: listBody(options, asked, entries, matching) };
  }));
  router.get('/quarantine/:id', desk.page('reader', async (request, visit) => entryPage(options, visit, await read(options, request.params['id']))));
  const audited = desk.audited(
    ({ params }) => (params['action'] === 'replay' ? 'quarantine.replay' : params['action'] === 'discard' ? 'quarantine.discard' : undefined),
    ({ params, body }) => ({ subject: `entry ${shortText(params['id'], 20)}`, detail: { because: shortText((body as { because?: unknown } | undefined)?.because) } }),
  );
  router.post('/quarantine/:id/:action', desk.require('operator'), urlencoded({ extended: false, limit: LARGEST_FORM }), desk.checkForm, audited, async (request, response, next) => {
    const entry = await read(options, request.params['id']);
    const given = request.body as Partial<Record<'body' | 'because', unknown>>;
    const action = String(request.params['action']);
    if (!entry || !['try', 'replay', 'discard'].includes(action)) {
      next();
      return;
    }
    const visit = desk.visit(response);
    const signature = { by: redactText(visit.session?.name ?? ''), because: redactText(text(given.because)) };
    const typed = typeof given.body === 'string' ? given.body : undefined;
    const show = (notice: Notice, status = 200): void => {
      desk.send(response, { ...entryPage(options, { ...visit, notice: undefined }, entry, typed, notice), status });
    };
    if (action === 'discard') {
      if (signature.because === '') {
        show({ tone: 'bad', text: 'Say why it is discarded: that is kept with it.' }, 422);
        return;
      }
      const [result] = await discardQuarantined(options, { id: entry.id }, signature, auditedOf(response));
      desk.answer(request, response, quarantinePath(entry.id), noticeOf(result));
      return;
    }
    const correction = correctionOf(options, entry, typed);
    if ('problem' in correction) {
      show({ tone: 'bad', text: correction.problem }, 422);
      return;
    }
    const [result] = action === 'try' ? await tryReplay(options, { id: entry.id }, correction.correct) : await replayQuarantined(options, { id: entry.id }, correction.correct, signature, auditedOf(response));
    const notice = noticeOf(result);
    if (result?.outcome === 'replayed') desk.answer(request, response, quarantinePath(entry.id), notice);
    else show(notice, notice.tone === 'bad' ? 422 : 200);
  });
  return router;
}

async function read({ ledger }: ConsoleOptions, given: unknown): Promise<StoredEntry | undefined> {
  return /^\d{1,15}$/.test(String(given)) ? ledger.readQuarantined(Number(given)) : undefined;
}

/** A body that nobody has touched is replayed as it was kept. */
function correctionOf({ identify }: ConsoleOptions, entry: StoredEntry, typed: string | undefined): { correct: Correction | undefined } | { problem: string } {
  if (typed === undefined || sameLines(typed, editable(describeKept(entry, identify).body))) return { correct: undefined };
  try {
    const body = JSON.parse(typed) as unknown;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return { problem: 'The corrected body must be a JSON object.' };
    return { correct: () => ({ body: body as JsonObject }) };
  } catch (error) {
    return { problem: `The corrected body is not JSON: ${(error as Error).message}` };
  }
}

const sameLines = (one: string, other: string): boolean => one.replaceAll('\r\n', '\n').trim() === other.replaceAll('\r\n', '\n').trim();
const editable = (body: JsonObject | string): string => (typeof body === 'string' ? body : JSON.stringify(body, null, 2));
const listed = (problems: readonly Problem[]): string => problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');

function noticeOf(result: EntryResult | undefined): Notice {
  switch (result?.outcome) {
    case 'replayed':
      return { tone: 'good', text: `Replayed: ${result.status}, as event ${result.event_id}.` };
    case 'replayable':
      return { tone: 'good', text: result.status === 'new' ? `It would be replayed as event ${result.event_id}.` : `It would be a duplicate of event ${result.event_id}.` };
    case 'invalid':
      return { tone: 'bad', text: `Not replayed: ${listed(result.problems)}.` };
    case 'conflict':
      return { tone: 'bad', text: `Not replayed: ${result.problem}.` };
    case 'discarded':
    case 'discardable':
      return { tone: 'good', text: 'Discarded. It can still be replayed for as long as it is kept.' };
    case undefined:
      return { tone: 'bad', text: 'Not done: somebody else is replaying or discarding it right now, or has done so.' };
  }
}

function listBody({ sources, policies }: ConsoleOptions, asked: Asked, entries: readonly StoredEntry[], matching: number): Content {
  const last = entries.at(-1);
  const older = new URLSearchParams({ state: asked.shown, reason: asked.reason, source: asked.source, audience: asked.audience, problem: asked.problem, before: String(last?.id ?? 0) });
  return html`<form class="card row" method="get" action="${HERE}" aria-label="Filter">
${select('state', 'Show', STATES, asked.shown)}${select('reason', 'Reason', ['', 'invalid', 'conflict'], asked.reason)}
${select('source', 'Source', ['', ...sources.keys()], asked.source)}${select('audience', 'Audience', ['', ...policies.audiences.keys()], asked.audience)}
<label>Problem contains <input name="problem" value="${asked.problem}" maxlength="200"></label><button>Filter</button></form>
<p>${plural(matching, 'entry', 'entries')} ${matching === 1 ? 'matches' : 'match'}.</p>
${table('Entries, the newest first', COLUMNS, entries, html`<p>${asked.shown === 'open' ? 'Nothing waits here. A signed webhook that Headgate cannot understand is kept here, until somebody replays or discards it.' : 'Nothing matches.'}</p>`)}
${last && entries.length === ON_A_PAGE && html`<p><a href="${HERE}?${older.toString()}">Older ones</a></p>`}
${matching > 1 && html`<p class="hint">Many at once, also with a corrected field: <code>npx headgate quarantine replay --help</code></p>`}`;
}

/** @param name of the field; an empty option stands for all */
export const select = (name: string, title: string, values: readonly string[], chosen: string): Html =>
  html`<label>${title} <select name="${name}">${values.map((value) => html`<option value="${value}"${value === chosen && html` selected`}>${value === '' ? 'all' : value}</option>`)}</select></label>`;

const COLUMNS: Column<StoredEntry>[] = [
  { title: 'Entry', cell: ({ id }) => html`<a href="${quarantinePath(id)}">${String(id)}</a>` },
  { title: 'Received', cell: ({ receivedAt }) => time(receivedAt) },
  { title: 'Reason', cell: ({ reason }) => state(reason) },
  { title: 'Source', cell: ({ source }) => source },
  { title: 'Event', cell: ({ eventName }) => eventName ?? nothing },
  { title: 'Audience', cell: ({ audienceKey }) => audienceKey ?? nothing, kind: 'wide' },
  { title: 'Problems', cell: ({ problems }) => listed(problems), kind: 'wide' },
  { title: 'Became', cell: ({ resolved }) => resolved?.resolution ?? nothing },
];

function entryPage(options: ConsoleOptions, visit: Visit, entry: StoredEntry | undefined, typed?: string, notice?: Notice): Page {
  if (!entry) return notFound('There is no such entry in quarantine', html`<p>Resolved entries are forgotten after a while. <a href="${HERE}">To the quarantine</a></p>`);
  return { title: `Quarantine ${String(entry.id)}`, at: HERE, body: html`${notice && html`<p class="notice ${notice.tone}" role="alert">${notice.text}</p>`}${entryBody(options, visit, entry, typed)}` };
}

function entryBody(options: ConsoleOptions, visit: Visit, entry: StoredEntry, typed: string | undefined): Content {
  const { body, claim, identifiers } = describeKept(entry, options.identify);
  const now = understandEntry(options, entry);
  const stillWrong = 'problems' in now ? now.problems : [];
  const { resolved } = entry;
  return html`${facts([
    ['Received', time(entry.receivedAt)],
    ['Reason', state(entry.reason)],
    ['Source', entry.source],
    ['Event', entry.eventName ?? nothing],
    ['Audience', entry.audienceKey ?? nothing],
    ['Event id', entry.eventId ?? nothing],
    ['Person', [claim.customerId, claim.cioId, claim.emailHash !== undefined && `e-mail ${claim.emailHash.slice(0, 12)}…`, claim.phoneHash !== undefined && `phone ${claim.phoneHash.slice(0, 12)}…`].filter(Boolean).join(', ') || nothing],
    ['Identifiers', Object.entries(identifiers).map(([platform, made]) => `${platform}: ${made.map(({ type }) => type).join(' ')}`).join(', ') || nothing],
    ...(resolved ? [['Resolved', html`${time(resolved.at)} ${resolved.resolution}${resolved.by !== null && ` by ${resolved.by}`}${resolved.because !== null && `: ${resolved.because}`}${resolved.replayedAs !== null && html` ${eventLink(resolved.replayedAs)}`}`] as const] : []),
  ])}
<section><h2>What was wrong</h2>${problems(entry.problems)}</section>
${!resolved && html`<section><h2>What is still wrong</h2>${stillWrong.length > 0 ? problems(stillWrong) : html`<p>${entry.reason === 'conflict' ? 'Its event_id is taken: give it another one, or take the event_id out to have one derived.' : 'Nothing, as headgate.yaml stands now: it can be replayed as it is.'}</p>`}</section>`}
${canAct(visit, resolved) ? actions(visit, entry, typed ?? editable(body)) : html`<section><h2>The body</h2><pre tabindex="0" aria-label="The body">${editable(body)}</pre>${visit.role !== 'operator' && !resolved && html`<p><a href="${BASE}/sign-in?next=${encodeURIComponent(visit.here)}">Sign in</a> as an operator to replay or discard it.</p>`}</section>`}`;
}

/** What was discarded may be replayed all the same. */
const canAct = (visit: Visit, resolved: StoredEntry['resolved']): boolean => visit.role === 'operator' && (resolved === null || resolved.resolution === 'discarded');

const problems = (list: readonly Problem[]): Html => html`<ul class="problems">${list.map(({ path, message }) => html`<li>${path !== '' && html`<code>${path}</code> `}${message}</li>`)}</ul>`;

function actions(visit: Visit, entry: StoredEntry, body: string): Html {
  const path = quarantinePath(entry.id);
  return html`<section><h2>Replay</h2>${form(visit, `${path}/replay`, html`<label for="body">The body: correct it here, or leave it as it is</label>
<textarea id="body" name="body" rows="${String(Math.min(24, body.split('\n').length + 1))}" spellcheck="false">${body}</textarea>
<p class="hint"><code>sha256:…</code> and <code>…</code> stand for personal data, which counts as it came as long as the field stays as it is.</p>
<label>Why <input name="because" maxlength="200"></label>
<p class="buttons"><button formaction="${path}/try" class="quiet">Only try</button><button>Replay</button></p>`, { className: 'card', label: 'Replay' })}</section>
${entry.resolved === null && html`<section><h2>Discard</h2>${form(visit, `${path}/discard`, html`<label>Why <input name="because" maxlength="200" required></label><p class="buttons"><button class="danger">Discard</button></p>`, { className: 'card row', label: 'Discard' })}</section>`}`;
}

/** What watches over targets: waves that the guard holds, the platform's clocks, its sizes. And letting a wave go. */
import { Router, urlencoded } from 'express';
import { auditedOf, redactText, releaseWaves, shortText, type GuardHoldView, type TargetWatch } from '../api/index.ts';
import { targetKey, targetOf, type TargetRef } from '../domain/registry.ts';
import type { Desk } from './desk.ts';
import { html, type Content, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { form } from './page.ts';
import { table, type Column } from './table.ts';
import type { Visit } from './visit.ts';
import { audiencePath, badge, BASE, duration, nothing, number, plural, time } from './words.ts';

type Watched = TargetRef & { watch: TargetWatch };

const at = (iso: string | null): Content => time(iso === null ? null : new Date(iso));
const ms = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso));
const wave = ({ operation, held }: GuardHoldView): string => plural(held, operation === 'add' ? 'add' : 'removal');

/** Something that an owner should look at, though calls go through. */
export const isWatchedFor = ({ guard, drift, too_small: small }: TargetWatch): boolean => guard.length > 0 || drift !== null || small !== null;

/** For tables of targets: a word each, the sentence on hovering and on the audience's page. */
export const watchBadges = ({ guard, drift, too_small: small }: TargetWatch): Html =>
  html`${guard.map((hold) => html` <span title="${hold.because}">${badge(`${wave(hold)} held`, 'warn')}</span>`)}${drift && html` <span title="${drift.message}">${badge(`drift: ${drift.verdict}`, 'warn')}</span>`}${small !== null && html` <span title="${small}">${badge('too small', 'plain')}</span>`}`;

const latest = ({ clocks: { adds_effective_by: adds, removals_effective_by: removals } }: TargetWatch): number | null => [ms(adds), ms(removals)].reduce((one, other) => Math.max(one ?? 0, other ?? 0) || null);

/** The two clocks in a few words: since when the platform has accepted all, and when all of it is in effect there. */
export function clocksInShort(watch: TargetWatch, now = Date.now()): Content {
  const effective = latest(watch);
  if (watch.clocks.last_success_at === null || effective === null) return null;
  return html` <span class="quiet">${effective <= now ? 'in effect' : html`in effect in ${duration(effective - now)}`}</span>`;
}

const accepted = ({ clocks: { accepted_until: until, last_success_at: last } }: TargetWatch, now: number): Content =>
  last === null ? html`<span class="quiet">nothing yet</span>` : (now - (ms(until) ?? now) < 2_000 ? 'all of it' : html`what was decided until ${at(until)}`);

const effect = ({ clocks: { adds_effective_by: adds, removals_effective_by: removals } }: TargetWatch): Content =>
  adds === null && removals === null ? nothing : adds === removals ? at(adds) : html`adds ${at(adds)}, removals ${at(removals)}`;

const size = ({ size: newest, drift }: TargetWatch): Content =>
  newest === null ? html`<span class="quiet">not read yet</span>` : html`${newest.message || newest.failure} <span class="quiet">(</span>${at(newest.read_at)}<span class="quiet">)</span>${drift && html`<br>${badge('drift', 'warn')} since ${at(drift.since)}, ${plural(drift.readings, 'reading')} in a row. <code>npx headgate check</code> looks at the audience; <code>npx headgate resync</code> pushes every member again.`}`;

const readAt = ({ size: newest }: TargetWatch): Content => (newest === null ? nothing : newest.at_most === null ? html`<span class="quiet">none told</span>` : newest.at_least === newest.at_most ? number(newest.at_most) : `${number(newest.at_least ?? 0)} to ${number(newest.at_most)}`);

function columns(now: number): Column<Watched>[] {
  return [
    { title: 'Target', cell: ({ destination }) => destination },
    { title: 'Accepted there', cell: ({ watch }) => accepted(watch, now) },
    { title: 'Last accepted', cell: ({ watch }) => at(watch.clocks.last_success_at) },
    { title: 'In effect by', cell: ({ watch }) => effect(watch) },
    { title: 'Its size', cell: ({ watch }) => readAt(watch), kind: 'number' },
    { title: 'Ours', cell: ({ watch: { size: newest } }) => (newest === null ? nothing : number(newest.taken_in)), kind: 'number' },
    { title: 'Meaning', cell: ({ watch }) => html`${size(watch)}${watch.too_small !== null && html`<br>${badge('too small to serve', 'plain')} ${watch.too_small}`}`, kind: 'wide' },
  ];
}

/** The clocks and sizes of each target. */
export function watchSection(targets: readonly Watched[], now = Date.now()): Content {
  if (targets.length === 0) return null;
  const sources = [...new Set(targets.flatMap(({ watch }) => watch.clocks.source ?? []))];
  return html`${table('Clocks and sizes', columns(now), targets, nothing)}
<p class="hint">Accepted by us: at once, whatever the door answers with 200. Accepted there: by the platform, which puts it into effect later, at the latest by its own words: ${sources.length === 0 ? 'not known.' : sources.join(' ')}</p>`;
}

/** What is held, each with its button. */
export const guardSection = (visit: Visit, targets: readonly Watched[]): Content => {
  const held = targets.flatMap((target) => target.watch.guard.map((hold) => ({ target, hold })));
  return held.length > 0 && html`<section aria-label="Held by the guard">${held.map(({ target, hold }) => heldWave(visit, target, hold))}</section>`;
};

function heldWave(visit: Visit, target: TargetRef, hold: GuardHoldView): Html {
  const ends = hold.let_go_at === null ? 'They wait until somebody releases them.' : html`They go by themselves at ${at(hold.let_go_at)}.`;
  return html`<div class="notice warn wave"><p><strong>${target.destination}:</strong> ${hold.because}. Since ${at(hold.since)}. ${ends} If it is a mistake, stop the campaign in Customer.io and correct it by events: whoever is corrected is not held any more.</p>
${visit.role === 'operator'
  ? form(visit, releasePath(target), html`<input type="hidden" name="what" value="${hold.operation === 'add' ? 'adds' : 'removals'}"><label>Because <input name="because" maxlength="400"></label><button aria-label="Release ${wave(hold)} at ${targetKey(target)}">Release ${wave(hold)}</button>`, { className: 'row', label: `Release ${wave(hold)} at ${targetKey(target)}` })
  : html`<p>If it is meant: <code>${hold.release}</code></p>`}</div>`;
}

const releasePath = ({ destination, audienceKey }: TargetRef): string => `${BASE}/targets/${encodeURIComponent(destination)}/${encodeURIComponent(audienceKey)}/release`;

export function watchRoutes({ ledger, policies, onCommitted, logger }: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  router.post('/targets/:destination/:audience/release', desk.require('operator'), urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, desk.audited('audience.release', ({ params, body }) => {
    const { what, because } = body as Partial<Record<'what' | 'because', unknown>>;
    return { subject: `${shortText(params['destination'], 100)}/${shortText(params['audience'], 120)}`, detail: { what: shortText(what, 20), because: shortText(because) } };
  }), async (request, response, next) => {
    const target = targetOf(policies, { destination: String(request.params['destination']), audienceKey: String(request.params['audience']) });
    const { what, because } = request.body as Partial<Record<'what' | 'because', unknown>>;
    if (!target || (what !== 'adds' && what !== 'removals')) {
      next();
      return;
    }
    const by = redactText(desk.visit(response).session?.name ?? '') || 'somebody in the console';
    const reason = typeof because === 'string' ? redactText(because.trim().slice(0, 400)) : '';
    const released = await releaseWaves({ ledger, onCommitted, logger }, [target], { operation: what === 'adds' ? 'add' : 'remove', by, because: reason === '' ? undefined : reason }, auditedOf(response));
    const members = released.reduce((sum, one) => sum + one.members, 0);
    desk.answer(request, response, audiencePath(target.audienceKey), released.length === 0
      ? { tone: 'bad', text: `Not done: the guard holds no ${what} at ${targetKey(target)} any more.` }
      : { tone: 'good', text: `Released: ${plural(members, what === 'adds' ? 'add' : 'removal')} to ${targetKey(target)}, pushed now.` });
  });
  return router;
}

/** The targets with how they stand, and what an operator does about one. */
import { Router, urlencoded } from 'express';
import { auditedOf, holdsOf, readWatch, shortText, workflowUrl, type TargetWatch } from '../api/index.ts';
import type { AuditAction } from '../domain/audit.ts';
import { isOver, modeOf, NOTHING_PENDING, oldestOf, type Hold, type PendingCounts, type TargetLife } from '../domain/holding.ts';
import type { SyncState } from '../domain/failures.ts';
import { targetKey, targetOf, targetsOf, type Mode, type Target, type TargetRef } from '../domain/registry.ts';
import { syncWorkflowId } from '../workflows/contract.ts';
import type { Desk } from './desk.ts';
import { html, linkTo, type Content, type Html } from './html.ts';
import type { ConsoleOptions, TargetActions } from './options.ts';
import { form } from './page.ts';
import type { Column } from './table.ts';
import type { Visit } from './visit.ts';
import { clocksInShort, isWatchedFor, watchBadges } from './watch.ts';
import { audienceLink, audiencePath, badge, BASE, duration, nothing, number, plural, since, state, time } from './words.ts';

/** A target as the pages show it. Times in milliseconds since the epoch. */
export interface ShownTarget extends TargetRef {
  platform: string;
  platformAudienceId: string;
  mode: Mode;
  life: TargetLife;
  state: SyncState;
  cause: string | null;
  cure: string | null;
  since: number | null;
  retryAt: number | null;
  lastSuccessAt: number | null;
  matchRate: string | null;
  adds: number;
  removals: number;
  oldestAt: number | null;
  held: number;
  heldBecause: string | null;
  blocked: number;
  watch: TargetWatch;
}

/** Reads what is pending and blocked, by indexes that hold nothing else, so it does not matter how many members there are. @param audienceKey those of this audience alone */
export async function readTargets({ ledger, policies, watching }: ConsoleOptions, audienceKey?: string): Promise<ShownTarget[]> {
  const [standings, pending, blocked, watchOf] = await Promise.all([ledger.listTargets(), ledger.countPending(), ledger.countBlocked(), readWatch(ledger, policies, watching, audienceKey)]);
  const standingOf = new Map(standings.map((standing) => [targetKey(standing), standing]));
  const pendingOf = new Map<string, PendingCounts>();
  for (const row of pending) {
    const key = targetKey({ destination: row.destination, audienceKey: row.audience_key });
    pendingOf.set(key, { ...(pendingOf.get(key) ?? NOTHING_PENDING), [row.wanted]: { count: row.pending, oldestAt: row.oldest.getTime() } });
  }
  const blockedOf = new Map(blocked.map((row) => [targetKey({ destination: row.destination, audienceKey: row.audience_key }), row.blocked]));
  const holdFor = holdsOf(standings, policies);
  const waitingOf = (target: Target, all: PendingCounts, hold: Hold): Promise<PendingCounts> => (hold.because === null ? Promise.resolve(all) : ledger.readWaiting(target, all, hold));
  const targets = targetsOf(policies).filter((target) => audienceKey === undefined || target.audienceKey === audienceKey);
  return Promise.all(targets.map(async (target): Promise<ShownTarget> => {
    const key = targetKey(target);
    const [standing, all, hold] = [standingOf.get(key), pendingOf.get(key) ?? NOTHING_PENDING, holdFor(target)];
    const waiting = await waitingOf(target, all, hold);
    return {
      destination: target.destination, audienceKey: target.audienceKey, platformAudienceId: target.platformAudienceId,
      platform: policies.destinations.get(target.destination)?.platform ?? '',
      mode: modeOf(policies, target),
      life: standing?.life ?? 'active',
      state: standing?.state ?? 'ok',
      cause: standing?.cause ?? null, cure: standing?.cure ?? null,
      since: standing?.since ?? null, retryAt: standing?.retryAt ?? null, lastSuccessAt: standing?.lastSuccessAt ?? null, matchRate: standing?.matchRate ?? null,
      adds: waiting.in.count, removals: waiting.out.count, oldestAt: oldestOf(waiting),
      held: all.in.count + all.out.count - waiting.in.count - waiting.out.count, heldBecause: hold.because,
      blocked: blockedOf.get(key) ?? 0,
      watch: watchOf(target, { oldestPendingAt: oldestOf(all), lastSuccessAt: standing?.lastSuccessAt ?? null }),
    };
  }));
}

const SEVERITY: readonly SyncState[] = ['stuck', 'retrying', 'throttled', 'paused', 'ok'];

/** The worst first; of those that are alike what the guard holds or whose size is odd, then whatever waits longest. */
export const worstFirst = (one: ShownTarget, other: ShownTarget): number =>
  SEVERITY.indexOf(one.state) - SEVERITY.indexOf(other.state) || Number(isWatchedFor(other.watch)) - Number(isWatchedFor(one.watch)) || (one.oldestAt ?? Infinity) - (other.oldestAt ?? Infinity) || (targetKey(one) < targetKey(other) ? -1 : 1);

/** What is wrong in the platform's words, and what to do. */
export const causeAndCure = ({ state: at, cause, cure, retryAt }: ShownTarget, now = Date.now()): Content =>
  at === 'ok' || cause === null
    ? nothing
    : html`${cause}${cure !== null && cure !== '' && html`<br><strong>What to do:</strong> ${cure}`}${retryAt !== null && retryAt > now && html`<br><span class="quiet">tried again in ${duration(retryAt - now)}</span>`}`;

const backlog = ({ adds, removals, held, heldBecause, blocked }: ShownTarget): Content => {
  const parts = [
    ...(removals > 0 ? [plural(removals, 'removal')] : []), ...(adds > 0 ? [plural(adds, 'add')] : []),
    ...(held > 0 ? [`${number(held)} held: ${heldBecause ?? ''}`] : []), ...(blocked > 0 ? [`${plural(blocked, 'removal')} blocked`] : []),
  ];
  return parts.length === 0 ? nothing : parts.join(', ');
};

export const standing = ({ state: at, life, mode }: ShownTarget): Html =>
  html`${life === 'active' || life === 'absent' ? state(at) : state(life)}${mode !== 'live' && html` ${badge(`mode ${mode}`, 'warn')}`}`;

/** Columns of every table of targets. */
export function targetColumns(visit: Visit, temporalUi: string | undefined, withAudience: boolean): Column<ShownTarget>[] {
  return [
    ...(withAudience ? [{ title: 'Audience', cell: (target: ShownTarget) => audienceLink(target.audienceKey) }] : []),
    { title: 'Target', cell: (target) => html`${target.destination} <span class="quiet">${target.platform}</span>` },
    { title: 'State', cell: (target) => html`${standing(target)}${target.since !== null && target.state !== 'ok' && html` <span class="quiet">for</span> ${since(target.since)}`}${watchBadges(target.watch)}` },
    { title: 'Backlog', cell: backlog },
    { title: 'Oldest pending', cell: ({ oldestAt }) => since(oldestAt) },
    { title: 'Last success', cell: ({ lastSuccessAt, watch }) => html`${time(lastSuccessAt)}${withAudience && clocksInShort(watch)}` },
    { title: 'Cause and cure', cell: causeAndCure, kind: 'wide' },
    { title: visit.role === 'operator' ? 'Actions' : 'Workflow', cell: (target) => actionsOf(visit, target, temporalUi) },
  ];
}

const ACTIONS: Record<keyof TargetActions, { word: string; title: string }> = {
  pause: { word: 'Pause', title: 'Stop pushing; what is pending is kept' },
  resume: { word: 'Resume', title: 'Push again, at once' },
  pushNow: { word: 'Push now', title: 'Push at once, also while it rests after a failure' },
  retry: { word: 'Retry', title: 'Try refused members and blocked removals again' },
};

function actionsOf(visit: Visit, target: ShownTarget, temporalUi: string | undefined): Content {
  const url = workflowUrl(temporalUi, syncWorkflowId(target.destination, target.audienceKey));
  const link = url !== null && html`<a href="${linkTo(url)}" rel="noreferrer" aria-label="Workflow of ${targetKey(target)}">workflow</a>`;
  if (visit.role !== 'operator' || isOver(target.life)) return link || nothing;
  const names: (keyof TargetActions)[] = target.state === 'paused' ? ['resume'] : ['pause', 'pushNow', 'retry'];
  const path = `${BASE}/targets/${encodeURIComponent(target.destination)}/${encodeURIComponent(target.audienceKey)}`;
  return html`<div class="actions">${names.map((name) => form(visit, `${path}/${name}`, html`<button class="small" title="${ACTIONS[name].title}" aria-label="${ACTIONS[name].word} ${targetKey(target)}">${ACTIONS[name].word}</button>`))}${link}</div>`;
}

const AUDITED_AS: Readonly<Record<keyof TargetActions, AuditAction>> = { pause: 'target.pause', resume: 'target.resume', retry: 'target.retry', pushNow: 'target.push_now' };
const auditedAs = (name: unknown): AuditAction | undefined => (Object.hasOwn(AUDITED_AS, String(name)) ? AUDITED_AS[name as keyof TargetActions] : undefined);

export function targetRoutes({ policies, actions, logger }: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  const audited = desk.audited(({ params }) => auditedAs(params['action']), ({ params }) => ({ subject: `${shortText(params['destination'], 100)}/${shortText(params['audience'], 120)}` }));
  router.post('/targets/:destination/:audience/:action', desk.require('operator'), urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, audited, async (request, response, next) => {
    const [action, destination, audienceKey] = ['action', 'destination', 'audience'].map((name) => String(request.params[name])) as [string, string, string];
    const target = targetOf(policies, { destination, audienceKey });
    if (!target || !Object.hasOwn(ACTIONS, action)) {
      next();
      return;
    }
    const by = desk.visit(response).session?.name;
    try {
      const answer = await auditedOf(response).while(() => actions[action as keyof TargetActions](target), (said) => ({ said }));
      logger.info({ destination, audience: audienceKey, action, by }, 'An operator asked a sync for something in the console.');
      desk.answer(request, response, audiencePath(audienceKey), { tone: 'good', text: `${answer}.` });
    } catch (error) {
      logger.warn({ err: error, destination, audience: audienceKey, action, by }, 'The sync did not do what an operator asked for in the console.');
      desk.answer(request, response, audiencePath(audienceKey), { tone: 'bad', text: `Not done: ${(error as Error).message}` });
    }
  });
  return router;
}

/**
 * What a registry changes against the one that the ledger remembers, and what of it is refused: people who are in a platform's
 * audience must not be forgotten because a line was deleted. Pure.
 */
import { areEqualShares, sharesOf, type HoldoutShares } from './holdout.ts';
import { isOver, type AudienceLife, type TargetLife } from './holding.ts';
import { targetKey, targetsOf, type Audience, type Policies, type Target, type TargetRef } from './registry.ts';

/** A target as the ledger remembers it. */
export interface KnownTarget extends TargetRef {
  /** Null when no process has said so yet. */
  platformAudienceId: string | null;
  life: TargetLife;
}

/** An audience as the ledger remembers it. */
export interface KnownAudience {
  key: string;
  /** Milliseconds; null without a window; undefined when no process has said so yet. */
  windowMs: number | null | undefined;
  /** Undefined when no process has said so yet. */
  shares: HoldoutShares | undefined;
  life: AudienceLife;
}

export interface KnownRegistry {
  targets: readonly KnownTarget[];
  audiences: readonly KnownAudience[];
}

export interface RegistryChanges {
  /** To be filled: not known, or absent when a process started last. */
  newTargets: Target[];
  /** Known, but for the platform's id. */
  namedTargets: Target[];
  /** Another audience of the platform than before: the old one is taken away, the new one is new. */
  movedTargets: { target: Target; known: KnownTarget }[];
  /** Taken away. */
  missingTargets: KnownTarget[];
  /** In the registry although they are given up: nothing is pushed there. */
  idleTargets: KnownTarget[];
  newAudiences: Audience[];
  movedWindows: { audience: Audience; before: number | null }[];
  /** Other shares of holdouts than before, or shares that no process has said yet: members may be in the wrong arm. */
  movedShares: { audience: Audience; before: HoldoutShares | undefined }[];
  missingAudiences: KnownAudience[];
  idleAudiences: KnownAudience[];
}

export function compareRegistry(known: KnownRegistry, policies: Policies): RegistryChanges {
  const changes: RegistryChanges = { newTargets: [], namedTargets: [], movedTargets: [], missingTargets: [], idleTargets: [], newAudiences: [], movedWindows: [], movedShares: [], missingAudiences: [], idleAudiences: [] };
  const targets = new Map(known.targets.map((target) => [targetKey(target), target]));
  for (const target of targetsOf(policies)) compareTarget(target, targets.get(targetKey(target)), changes);
  const present = new Set(targetsOf(policies).map(targetKey));
  changes.missingTargets = known.targets.filter((target) => !present.has(targetKey(target)) && !isOver(target.life) && target.life !== 'absent');

  const audiences = new Map(known.audiences.map((audience) => [audience.key, audience]));
  for (const audience of policies.audiences.values()) compareAudience(audience, audiences.get(audience.key), changes);
  changes.missingAudiences = known.audiences.filter(({ key, life }) => !policies.audiences.has(key) && !isOver(life));
  return changes;
}

function compareTarget(target: Target, known: KnownTarget | undefined, changes: RegistryChanges): void {
  const moved = known !== undefined && known.platformAudienceId !== null && known.platformAudienceId !== target.platformAudienceId;
  if (moved) changes.movedTargets.push({ target, known });
  else if (!known || known.life === 'absent') changes.newTargets.push(target);
  else if (isOver(known.life)) changes.idleTargets.push(known);
  else if (known.platformAudienceId === null) changes.namedTargets.push(target);
}

function compareAudience(audience: Audience, known: KnownAudience | undefined, changes: RegistryChanges): void {
  if (known && isOver(known.life)) changes.idleAudiences.push(known);
  if (known?.windowMs === undefined) changes.newAudiences.push(audience);
  else if (known.windowMs !== audience.windowMs) changes.movedWindows.push({ audience, before: known.windowMs });
  if (!known?.shares || !areEqualShares(known.shares, sharesOf(audience))) changes.movedShares.push({ audience, before: known?.shares });
}

/** What was taken away with people in it. */
export type Refusal =
  | { kind: 'target'; target: KnownTarget; people: number; /** The platform's id in the registry, when only that changed. */ movedTo?: string }
  | { kind: 'audience'; key: string; life: AudienceLife; people: number };

const people = (count: number): string => (count === 1 ? 'one person is' : `${String(count)} people are`);

/** One sentence on what is wrong and one on what to do. */
export function describeRefusal(refusal: Refusal): string {
  if (refusal.kind === 'audience') {
    const { key, life } = refusal;
    if (life === 'retiring') return `audience ${key} is gone, and it is still being retired: ${people(refusal.people)} in it. Put it back until \`headgate audience retire ${key}\` says that it is done.`;
    return `audience ${key} is gone, and ${people(refusal.people)} in it. Put it back and start; \`headgate audience retire ${key}\` lets them all go, with --keep it leaves them with the platforms; then take it out.`;
  }
  const { target, movedTo } = refusal;
  const command = `headgate target retire --destination ${target.destination} --audience ${target.audienceKey}`;
  const id = target.platformAudienceId === null ? '' : ` "${target.platformAudienceId}"`;
  const what = `target ${target.destination} of ${target.audienceKey}`;
  const change = movedTo === undefined ? `${what} is gone` : `${what} was${id} and is "${movedTo}" now`;
  if (target.life === 'retiring') return `${change}, and it is still being retired: ${people(refusal.people)} in it. Put${id || ' it'} back until \`${command}\` says that it is done.`;
  const where = movedTo === undefined && id !== '' ? `the platform's audience${id}` : 'the former one';
  return `${change}, and ${people(refusal.people)} in ${where}. Put${movedTo === undefined ? ' it' : id} back and start; \`${command}\` empties it, with --keep it leaves them in; then ${movedTo === undefined ? 'take it out' : 'change the id'}.`;
}

/** What each process does with its registry before it serves anything. */
import { hostname, userInfo } from 'node:os';
import { ConfigurationError } from './config/configuration-error.ts';
import type { Registry } from './config/registry.ts';
import { describeShares, sharesOf } from './domain/holdout.ts';
import { describeRefusal } from './domain/registry-change.ts';
import { describeWindow, targetKey } from './domain/registry.ts';
import { adoptRegistry } from './ledger/index.ts';
import type { Logger } from './monitoring/logger.ts';

/**
 * Makes the ledger know the registry, before anything is served. Throws ConfigurationError when the registry takes away what
 * people are still in; processes that run with the former registry run on.
 */
export async function adopt(registry: Registry, databaseUrl: string, logger: Logger): Promise<void> {
  const actor = { via: 'process', who: ownName(), credential: 'a process that starts with it', address: null } as const;
  const { refusals, changes } = await adoptRegistry(databaseUrl, registry.policies, { actor, registryHash: registry.hash });
  if (refusals.length > 0) throw new ConfigurationError('headgate.yaml takes away what people are still in, so this process does not start', refusals.map(describeRefusal));
  for (const { target } of changes.movedTargets) logger.info({ destination: target.destination, audience: target.audienceKey }, `${targetKey(target)} is another audience of the platform now: "${target.platformAudienceId}". The present members are pushed there.`);
  for (const { audience, before } of changes.movedWindows) {
    logger.warn({ audience: audience.key }, `${audience.key} has ${describeWindow(audience.windowMs)} now, before ${describeWindow(before)}. New adds take it; \`headgate audience rewindow ${audience.key}\` gives it to present members.`);
  }
  for (const { audience, before } of changes.movedShares) {
    if (before) logger.warn({ audience: audience.key }, `The holdout of ${audience.key} is ${describeShares(sharesOf(audience), audience.key)} now, before ${describeShares(before, audience.key)}. The sweep moves the members whose arm that changes, and nobody else.`);
  }
  for (const { destination, audienceKey, life } of changes.idleTargets) {
    logger.warn({ destination, audience: audienceKey }, `${audienceKey} at ${destination} is ${life}: nothing is pushed there. Take it out of headgate.yaml, or take it up again: \`headgate target adopt --destination ${destination} --audience ${audienceKey}\`.`);
  }
  for (const { key, life } of changes.idleAudiences) {
    logger.warn({ audience: key }, `${key} is ${life}: whoever enters it is taken out again. Take it out of headgate.yaml, or take it up again: \`headgate audience adopt ${key}\`.`);
  }
}

/** Whose process it is, and where. */
function ownName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname();
  }
}

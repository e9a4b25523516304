/** What the registry says of names in a body: whether there is such an audience or action, and whether the source may use it. */
import { mayUseAction, mayUseAudience, type Policies } from '../domain/registry.ts';
import type { EventContext } from './event-from-body.ts';

/** A source that is limited is not told what else there is: a name that it may not use reads as one that does not exist for it. */
export function namesFor(policies: Policies, source: string): Pick<EventContext, 'hasAudience' | 'hasAction' | 'limited' | 'types'> {
  const { audiences, actions } = policies.allowed?.get(source) ?? {};
  return {
    hasAudience: (key) => mayUseAudience(policies, source, key),
    hasAction: (name) => mayUseAction(policies, source, name),
    types: policies.types,
    limited: { audiences: audiences !== undefined, actions: actions !== undefined },
  };
}

/** From the registry's entries to actions that can send. */
import { connectAction, type Action } from '../actions/configured-action.ts';
import type { Registry } from './registry.ts';

/**
 * Connects each action; nothing is called yet. Throws when one is for the sandbox and there is none.
 * @param sandboxUrl where the stand-ins listen
 */
export function connectActions({ actions }: Pick<Registry, 'actions'>, sandboxUrl: string | undefined): Map<string, Action> {
  return new Map(
    [...actions].map(([name, configured]) => {
      if (configured.sandbox && sandboxUrl === undefined) throw new Error(`action ${name} is for the sandbox, and there is none`);
      return [name, connectAction(configured, sandboxUrl === undefined ? undefined : `${sandboxUrl}/${name}`)];
    }),
  );
}

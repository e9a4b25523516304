/** The kinds of actions that this version knows: the one list. */
import type { ActionKind } from './action.ts';
import { http } from './http.ts';
import { segment } from './segment.ts';
import { slack } from './slack.ts';

export const kinds: ReadonlyMap<string, ActionKind> = new Map([slack, http, segment].map((kind) => [kind.kind, kind]));

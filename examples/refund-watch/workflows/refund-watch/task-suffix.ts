/**
 * What the id of the next task ends with. It names the task before it, so that of all workflows which know the same last task only one opens the next:
 * the ledger decides an event of one id once. Pure.
 */
export const taskSuffix = (lastTaskId: string | undefined): string => (lastTaskId === undefined ? FIRST : `${TASK}-after-${shorten(lastTaskId)}`);

const TASK = 'refund-task';
const FIRST = `${TASK}-first`;

/** True for the ids of tasks that this type has opened; others may use the same tool. */
export const isTask = (eventId: string): boolean => eventId.includes(`~${TASK}-`);

/** FNV-1a in 52 bits: an id must not grow with each task. */
function shorten(text: string): string {
  let hash = 0xcbf29ce4n;
  for (let index = 0; index < text.length; index++) hash = ((hash ^ BigInt(text.charCodeAt(index))) * 0x100000001b3n) & 0xfffffffffffffn;
  return hash.toString(36);
}

/** Did you mean …? */

/** The known name that was probably meant; undefined when none is near. */
export function closest(given: string, known: Iterable<string>): string | undefined {
  const ranked = [...known].map((name) => ({ name, distance: given.length > 2 && name.startsWith(given) ? 0 : distance(given.toLowerCase(), name.toLowerCase()) })).sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, Math.floor(best.name.length * FARTHEST)) ? best.name : undefined;
}

/** Of the letters of a name. */
const FARTHEST = 0.4;

/** A sentence with a space before it, or nothing. */
export function didYouMean(given: string, known: Iterable<string>): string {
  const name = closest(given, known);
  return name === undefined ? '' : ` Did you mean ${name}?`;
}

/** Letters to insert, delete or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, other] of Array.from(b).entries()) next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row.at(-1) ?? 0;
}

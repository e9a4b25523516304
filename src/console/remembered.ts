/** Remembers what was read for a short while, so that many who look cost the ledger no more than one. */
export function remembered<T>(ms: number, read: () => Promise<T>): () => Promise<T> {
  let last: { at: number; value: Promise<T> } | undefined;
  return () => {
    if (last && last.at > Date.now() - ms) return last.value;
    const mine = { at: Date.now(), value: read() };
    last = mine;
    mine.value.catch(() => {
      if (last === mine) last = undefined;
    });
    return mine.value;
  };
}

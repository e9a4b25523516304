/** Waits for something to become true, by asking again; fails with what was seen last. */
export async function until<T>(ask: () => Promise<T> | T, holds: (seen: T) => boolean, withinMs = 45_000): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    let seen: T | undefined;
    let failure: unknown;
    try {
      seen = await ask();
      if (holds(seen)) return seen;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > end) throw new Error(`did not become true within ${String(withinMs)} ms; last seen: ${JSON.stringify(seen)}`, { cause: failure });
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

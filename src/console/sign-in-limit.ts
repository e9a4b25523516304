/** Failed sign-ins per address and minute: a guesser waits, and others sign in meanwhile. */

const WITHIN_MS = 60_000;
const MOST_FAILURES = 8;
/** Of all addresses together: somebody with many of them. */
const MOST_OF_ALL = 200;

export class SignInLimit {
  #failures: { address: string; at: number }[] = [];

  /** Milliseconds until this address may try again; 0 when it may now. */
  waitFor(address: string, now: number): number {
    this.#failures = this.#failures.filter(({ at }) => at > now - WITHIN_MS);
    const own = this.#failures.filter((one) => one.address === address);
    const [oldest] = own.length >= MOST_FAILURES ? own : this.#failures.length >= MOST_OF_ALL ? this.#failures : [];
    return oldest ? oldest.at + WITHIN_MS - now : 0;
  }

  failed(address: string, now: number): void {
    this.#failures.push({ address, at: now });
  }
}

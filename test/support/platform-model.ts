/** A platform that believes all it is told: rows of identifiers. Harsh as the real ones: a removal takes every row that shares an identifier. */
export class PlatformModel {
  readonly #rows = new Map<string, Set<string>>();

  add(row: readonly string[]): void {
    this.#rows.set(row.toSorted().join(' '), new Set(row));
  }

  remove(row: readonly string[]): void {
    for (const [key, identifiers] of this.#rows) {
      if (row.some((identifier) => identifiers.has(identifier))) this.#rows.delete(key);
    }
  }

  get identifiers(): Set<string> {
    return new Set([...this.#rows.values()].flatMap((row) => [...row]));
  }
}

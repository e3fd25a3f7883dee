/** How often each of some names is in use; those of nobody are forgotten. */
export class UseCounts {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  names(): IterableIterator<string> {
    return this.#counts.keys();
  }

  entries(): IterableIterator<[string, number]> {
    return this.#counts.entries();
  }

  add(names: Iterable<string>, step: 1 | -1): void {
    for (const name of names) {
      const count = (this.#counts.get(name) ?? 0) + step;
      if (count === 0) this.#counts.delete(name);
      else this.#counts.set(name, count);
    }
  }
}

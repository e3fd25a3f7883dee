/** What becomes of a record that was acquired. `renew` keeps it for longer (KIP-1222). */
export const Acknowledge = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;
export type AcknowledgeType = 'accept' | 'release' | 'reject' | 'renew';

export interface AcknowledgementRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly acknowledgeTypes: number[];
}

/** Acknowledgements of one partition that were not sent yet. */
export class PendingAcknowledgements {
  readonly #types = new Map<number, number>();

  get size(): number {
    return this.#types.size;
  }

  get hasRenewal(): boolean {
    for (const type of this.#types.values()) if (type === Acknowledge.renew) return true;
    return false;
  }

  add(offset: number, type: number): void {
    this.#types.set(offset, type);
  }

  /** Everything, as ranges of neighbours of one type, in order; empty after that. */
  take(): AcknowledgementRange[] {
    const offsets = [...this.#types.keys()].sort((a, b) => a - b);
    const ranges: { firstOffset: number; lastOffset: number; acknowledgeTypes: number[] }[] = [];
    for (const offset of offsets) {
      const type = this.#types.get(offset) as number;
      const last = ranges.at(-1);
      if (last !== undefined && last.lastOffset === offset - 1 && last.acknowledgeTypes[0] === type) last.lastOffset = offset;
      else ranges.push({ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [type] });
    }
    this.#types.clear();
    return ranges;
  }
}

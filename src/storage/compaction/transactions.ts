/**
 * What a cleaning has to know of transactions, batch by batch in the log's order: which data was aborted, and which markers have no data left. All
 * transactions that it meets are decided: a cleaning stays below the last stable offset.
 */
import { ControlType, controlTypeOf } from '../../record/control.ts';
import { RecordCursor } from '../../record/iterate.ts';
import type { AbortedEntry, TransactionIndex } from '../transactionIndex.ts';

interface Aborted {
  readonly entry: AbortedEntry;
  sawData: boolean;
}

const cursor = new RecordCursor();

export class CleanedTransactions {
  /** Producers with data of a committed transaction seen, and no marker since. */
  readonly #committed = new Set<number>();
  readonly #aborted = new Map<number, Aborted>();
  /** Not begun yet, by first offset; oldest last. */
  #coming: AbortedEntry[] = [];
  /** Takes the aborted transactions whose data was there until now, null where nobody asks. */
  index: TransactionIndex | null = null;

  /** Aborted transactions of the segments that come next; one may be told of more than once. */
  expect(entries: readonly AbortedEntry[]): void {
    if (entries.length === 0) return;
    this.#coming = [...this.#coming, ...entries].sort((left, right) => right.firstOffset - left.firstOffset);
  }

  #beginUpTo(offset: number): void {
    for (let next = this.#coming.at(-1); next !== undefined && next.firstOffset <= offset; next = this.#coming.at(-1)) {
      this.#coming.pop();
      if (!this.#aborted.has(next.producerId)) this.#aborted.set(next.producerId, { entry: next, sawData: false });
    }
  }

  /** A data batch: true when it was aborted. */
  onData(producerId: number, lastOffset: number, isTransactional: boolean): boolean {
    this.#beginUpTo(lastOffset);
    if (!isTransactional) return false;
    const aborted = this.#aborted.get(producerId);
    if (aborted === undefined) {
      this.#committed.add(producerId);
      return false;
    }
    aborted.sawData = true;
    return true;
  }

  /** The control batch at `position`: true when nothing of its transaction is left. Throws RecordError. */
  onControl(bytes: Buffer, position: number, producerId: number, lastOffset: number): boolean {
    this.#beginUpTo(lastOffset);
    cursor.open(bytes, position, null);
    if (!cursor.next()) return true;
    const type = controlTypeOf(cursor.key());
    if (type === ControlType.commit) return !this.#committed.delete(producerId);
    return type === ControlType.abort && this.#onAbort(producerId);
  }

  #onAbort(producerId: number): boolean {
    const aborted = this.#aborted.get(producerId);
    this.#aborted.delete(producerId);
    if (aborted === undefined || !aborted.sawData) return true;
    // Readers must go on knowing of it as long as they may have seen its data.
    this.index?.addEntry(aborted.entry);
    return false;
  }
}

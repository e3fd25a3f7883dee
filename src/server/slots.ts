/** The replies that a connection owes, in the order of their requests, and which request may begin while others are under way. */
import { assert } from '../base/assert.ts';
import { Slot, SlotState, type SlotOwner } from './slot.ts';

export class Slots {
  first: Slot | null = null;
  count = 0;
  /** Of replies that are ready and wait for those before them. */
  readyBytes = 0;
  #last: Slot | null = null;
  #openCount = 0;
  #openProduceCount = 0;

  /**
   * Requests of one connection are done one after the other, as Kafka does them: what a client is told is never older than what it was told before.
   * Only produces overlap, since they keep their order in the log.
   */
  mayBegin(isProduce: boolean): boolean {
    return this.#openCount === 0 || (isProduce && this.#openProduceCount === this.#openCount);
  }

  add(owner: SlotOwner, frameBytes: number, isProduce: boolean): Slot {
    const slot = new Slot(owner, frameBytes, isProduce);
    if (this.#last === null) this.first = slot;
    else this.#last.next = slot;
    this.#last = slot;
    this.count += 1;
    return slot;
  }

  /** Its request is under way from now. */
  begin(slot: Slot): void {
    this.#openCount += 1;
    if (slot.isProduce) this.#openProduceCount += 1;
  }

  onFilled(slot: Slot): void {
    this.#openCount -= 1;
    if (slot.isProduce) this.#openProduceCount -= 1;
    this.readyBytes += slot.replyBytes;
  }

  removeFirst(slot: Slot): void {
    assert(slot === this.first, 'replies leave in order');
    this.first = slot.next;
    if (slot.next === null) this.#last = null;
    this.count -= 1;
    this.readyBytes -= slot.replyBytes;
  }

  /** Nobody will get them. */
  drop(): void {
    let slot = this.first;
    this.first = null;
    this.#last = null;
    this.count = 0;
    this.readyBytes = 0;
    for (; slot !== null; slot = slot.next) if (slot.state === SlotState.ready) slot.onSent?.();
  }
}

export function joinCalls(calls: (() => void)[]): (() => void) | undefined {
  if (calls.length <= 1) return calls[0];
  return () => {
    for (const call of calls) call();
  };
}

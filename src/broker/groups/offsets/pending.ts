import type { Undo } from '../../coordinator.ts';
import type { CommittedOffset } from '../records.ts';
import { OffsetStore } from './store.ts';

/** An offset that takes effect when its transaction is committed. */
export interface PendingOffset {
  readonly value: CommittedOffset;
  /** Grows from one to the next in the log. */
  readonly order: number;
  /** Another commit of the same partition, later in the log, has taken effect already: this one comes too late. */
  readonly isOvertaken: boolean;
}

/** Offsets that producers have committed in transactions that are still open: by producer, group, topic, partition. */
export class PendingOffsets {
  readonly #byProducer = new Map<number, OffsetStore<PendingOffset>>();
  readonly #producersByGroup = new Map<string, Set<number>>();
  #lastOrder = 0;

  put(producerId: number, groupId: string, topic: string, partition: number, value: CommittedOffset, undo: Undo | null): void {
    const order = ++this.#lastOrder;
    const before = this.#put(producerId, groupId, topic, partition, { value, order, isOvertaken: false });
    undo?.push(() => this.#restore(producerId, groupId, topic, partition, before));
  }

  /** A commit of this partition takes effect: those that came before it in the log must not, later. */
  overtake(groupId: string, topic: string, partition: number, order: number, undo: Undo | null): void {
    for (const producerId of this.#producersByGroup.get(groupId) ?? []) {
      const pending = this.#byProducer.get(producerId)?.get(groupId, topic, partition);
      if (pending === undefined || pending.isOvertaken || pending.order >= order) continue;
      this.#put(producerId, groupId, topic, partition, { ...pending, isOvertaken: true });
      undo?.push(() => this.#restore(producerId, groupId, topic, partition, pending));
    }
  }

  /** The offsets of the partition are deleted, these too. */
  drop(groupId: string, topic: string, partition: number, undo: Undo | null): void {
    for (const producerId of this.#producersByGroup.get(groupId) ?? []) {
      const pending = this.#remove(producerId, groupId, topic, partition);
      if (pending !== undefined) undo?.push(() => this.#restore(producerId, groupId, topic, partition, pending));
    }
  }

  /** Takes out what the producer has committed; undefined when that is nothing. */
  take(producerId: number, undo: Undo | null): OffsetStore<PendingOffset> | undefined {
    const store = this.#byProducer.get(producerId);
    if (store === undefined) return undefined;
    this.#byProducer.delete(producerId);
    for (const groupId of store.groupIds()) this.#forgetGroup(producerId, groupId);
    undo?.push(() => {
      this.#byProducer.set(producerId, store);
      for (const groupId of store.groupIds()) this.#noteGroup(producerId, groupId);
    });
    return store;
  }

  has(groupId: string, topic: string, partition: number): boolean {
    for (const producerId of this.#producersByGroup.get(groupId) ?? []) {
      if (this.#byProducer.get(producerId)?.get(groupId, topic, partition) !== undefined) return true;
    }
    return false;
  }

  hasGroup(groupId: string): boolean {
    return this.#producersByGroup.has(groupId);
  }

  groupIds(): IterableIterator<string> {
    return this.#producersByGroup.keys();
  }

  /** Topics and partitions of the group with an offset that is pending, each once for each producer. */
  *partitionsOf(groupId: string): Generator<{ readonly topic: string; readonly partition: number }> {
    for (const producerId of this.#producersByGroup.get(groupId) ?? []) {
      for (const [topic, partitions] of this.#byProducer.get(producerId)?.topicsOf(groupId) ?? []) {
        for (const partition of partitions.keys()) yield { topic, partition };
      }
    }
  }

  #put(producerId: number, groupId: string, topic: string, partition: number, pending: PendingOffset): PendingOffset | undefined {
    let store = this.#byProducer.get(producerId);
    if (store === undefined) this.#byProducer.set(producerId, (store = new OffsetStore()));
    this.#noteGroup(producerId, groupId);
    return store.put(groupId, topic, partition, pending);
  }

  #remove(producerId: number, groupId: string, topic: string, partition: number): PendingOffset | undefined {
    const store = this.#byProducer.get(producerId);
    const before = store?.remove(groupId, topic, partition);
    if (store !== undefined && store.topicsOf(groupId) === undefined) this.#forgetGroup(producerId, groupId);
    if (store?.count === 0) this.#byProducer.delete(producerId);
    return before;
  }

  #restore(producerId: number, groupId: string, topic: string, partition: number, before: PendingOffset | undefined): void {
    if (before === undefined) this.#remove(producerId, groupId, topic, partition);
    else this.#put(producerId, groupId, topic, partition, before);
  }

  #noteGroup(producerId: number, groupId: string): void {
    const producers = this.#producersByGroup.get(groupId);
    if (producers === undefined) this.#producersByGroup.set(groupId, new Set([producerId]));
    else producers.add(producerId);
  }

  #forgetGroup(producerId: number, groupId: string): void {
    const producers = this.#producersByGroup.get(groupId);
    producers?.delete(producerId);
    if (producers?.size === 0) this.#producersByGroup.delete(groupId);
  }
}

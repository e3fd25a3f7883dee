/** The memory that requests of all connections may hold: those being answered, and those that have come in part. */
import { assert } from '../base/assert.ts';

export interface BudgetWatcher {
  /** The limit was passed, or a quarter of it is free again. */
  onBudgetChange(isOver: boolean): void;
  /** Over the limit while no reply is to come that would free anything. May be said again and again. */
  onBudgetStuck(): void;
}

export class RequestBudget {
  readonly #limitBytes: number;
  readonly #watcher: BudgetWatcher;
  #answeringBytes = 0;
  #arrivingBytes = 0;
  #isOver = false;

  constructor(limitBytes: number, watcher: BudgetWatcher) {
    this.#limitBytes = limitBytes;
    this.#watcher = watcher;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get usedBytes(): number {
    return this.#answeringBytes + this.#arrivingBytes;
  }

  /** Over the limit, and no reply that is still to come will free anything. */
  get isStuck(): boolean {
    return this.#isOver && this.#answeringBytes === 0;
  }

  /** Whole requests handed to the broker (negative: answered). */
  addAnswering(bytes: number): void {
    this.#answeringBytes += bytes;
    this.#check();
  }

  /** Memory of requests that have come in part (negative: complete or dropped). */
  addArriving(bytes: number): void {
    this.#arrivingBytes += bytes;
    this.#check();
  }

  #check(): void {
    const used = this.#answeringBytes + this.#arrivingBytes;
    assert(used >= 0, 'more request memory was given back than taken');
    const isOver = this.#isOver ? used > this.#limitBytes * 0.75 : used > this.#limitBytes;
    if (isOver !== this.#isOver) {
      this.#isOver = isOver;
      this.#watcher.onBudgetChange(isOver);
    }
    if (isOver && this.#answeringBytes === 0) this.#watcher.onBudgetStuck();
  }
}

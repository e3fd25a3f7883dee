/**
 * Who may read while the memory for requests is used up: nobody, or, when it is all held by requests that have come in part, one
 * connection at a time, so that they get whole and the memory comes back.
 */
import type { BudgetWatcher, RequestBudget } from './budget.ts';
import type { Connection } from './connection.ts';
import type { LimitedLog } from '../base/limitedLog.ts';

export class MemoryPressure implements BudgetWatcher {
  readonly #connections: ReadonlySet<Connection>;
  readonly #log: LimitedLog;
  #budget: RequestBudget | null = null;
  #reader: Connection | null = null;
  #isPlanned = false;

  constructor(connections: ReadonlySet<Connection>, log: LimitedLog) {
    this.#connections = connections;
    this.#log = log;
  }

  watch(budget: RequestBudget): void {
    this.#budget = budget;
  }

  onBudgetChange(isOver: boolean): void {
    if (!isOver) {
      this.#plan();
      return;
    }
    this.#log.warn('memory', 'requests hold all of queued.max.request.bytes; reading waits', { bytes: this.#budget?.usedBytes });
    for (const connection of this.#connections) connection.holdReading();
  }

  onBudgetStuck(): void {
    this.#plan();
  }

  /** A connection that came while memory was short waits like the others. */
  onConnection(connection: Connection): void {
    if (this.#budget?.isOver) connection.holdReading();
  }

  onConnectionClosed(connection: Connection): void {
    if (this.#reader === connection) this.#reader = null;
  }

  /** Closes the reader that was chosen when it sends no more, so that another can be. */
  sweep(tick: number, stalledTicks: number): void {
    const reader = this.#reader;
    if (reader === null || !this.#budget?.isStuck || tick - reader.activeTick < stalledTicks) return;
    this.#log.warn('stalled', 'closing a connection that holds memory with half a request', { address: reader.remoteAddress, bytes: reader.heldBytes });
    reader.destroy();
  }

  /** Not at once: connections are amid their own work when the budget changes. */
  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#apply();
    });
  }

  #apply(): void {
    if (!this.#budget?.isOver) {
      this.#reader = null;
      for (const connection of this.#connections) connection.allowReading();
    } else if (this.#budget.isStuck) {
      this.#chooseReader();
    }
  }

  #chooseReader(): void {
    const current = this.#reader;
    if (current !== null && current.heldBytes > 0) return;
    current?.holdReading();
    this.#reader = null;
    for (const connection of this.#connections) {
      if (connection.heldBytes > (this.#reader?.heldBytes ?? 0)) this.#reader = connection;
    }
    this.#reader?.allowReading();
  }
}

/**
 * Who becomes a connection, and when: without a place or above the rate of new ones a wire waits unread, in the order of coming; above the limits of its address it
 * is closed.
 */
import type { Clock, Timer } from '../base/ports.ts';
import type { Wire } from '../base/wire.ts';
import type { ConnectionQuota } from './connectionQuota.ts';
import type { LimitedLog } from '../base/limitedLog.ts';

/** A `ListenerOptions` is one. */
export interface Listener {
  readonly name: string;
}

export interface AdmissionOptions<L extends Listener> {
  readonly quota: ConnectionQuota;
  readonly clock: Clock;
  readonly log: LimitedLog;
  /** Wires that may wait, of all listeners together. */
  readonly waitingMax: number;
  /** Wires that may be open at all, waiting ones too. */
  readonly openMax: () => number;
  /** Makes a connection of the wire; its place is taken already. */
  readonly admit: (listener: L, wire: Wire) => void;
  /** Closes the connection that rests for longest, of any listener but the protected one. */
  readonly closeIdlest: () => void;
}

class Queue<L extends Listener> {
  readonly listener: L;
  readonly wires: Wire[] = [];
  /** When the first of them may go on; null while its coming is not counted yet. */
  readyMs: number | null = null;
  timer: Timer | null = null;

  constructor(listener: L) {
    this.listener = listener;
  }
}

export class Admission<L extends Listener> {
  readonly #options: AdmissionOptions<L>;
  readonly #queues = new Map<string, Queue<L>>();
  /** Wires that are closed a while after they came, so that their clients do not come back at once. */
  readonly #closing = new Map<Wire, Timer>();
  #waiting = 0;

  constructor(options: AdmissionOptions<L>) {
    this.#options = options;
  }

  get waitingCount(): number {
    return this.#waiting + this.#closing.size;
  }

  arrive(listener: L, wire: Wire): void {
    const { quota, openMax, waitingMax } = this.#options;
    const open = quota.count + this.waitingCount;
    if (open >= openMax()) return this.#refuse(listener, wire, `the process may have no more files open (${open} connections)`);
    if (this.waitingCount >= waitingMax) return this.#refuse(listener, wire, `${this.waitingCount} connections wait already`);
    const queue = this.#queues.get(listener.name) ?? new Queue(listener);
    this.#queues.set(listener.name, queue);
    queue.wires.push(wire);
    this.#waiting += 1;
    this.#pump(queue);
  }

  /** A connection has gone. */
  release(listener: string, address: string): void {
    this.#options.quota.remove(listener, address);
    if (this.#waiting > 0) for (const queue of this.#queues.values()) this.#pump(queue);
  }

  close(): void {
    for (const queue of this.#queues.values()) {
      queue.timer?.cancel();
      for (const wire of queue.wires.splice(0)) wire.destroy();
    }
    for (const [wire, timer] of this.#closing) {
      timer.cancel();
      wire.destroy();
    }
    this.#waiting = 0;
    this.#closing.clear();
  }

  #pump(queue: Queue<L>): void {
    const { quota, clock, log } = this.#options;
    const { name } = queue.listener;
    queue.timer?.cancel();
    queue.timer = null;
    while (queue.wires.length > 0) {
      const nowMs = clock.monotonicMs();
      queue.readyMs ??= nowMs + quota.waitMs(name, nowMs);
      if (queue.readyMs > nowMs) {
        queue.timer = clock.setTimer(queue.readyMs - nowMs, () => this.#pump(queue));
        return;
      }
      if (!quota.hasPlace(name)) {
        log.warn('waiting', 'a connection waits: max.connections is reached', { listener: name, waiting: queue.wires.length });
        return;
      }
      queue.readyMs = null;
      this.#waiting -= 1;
      this.#settle(queue.listener, queue.wires.shift()!);
    }
  }

  #settle(listener: L, wire: Wire): void {
    const { quota, clock, admit, closeIdlest } = this.#options;
    const throttleMs = quota.addressThrottleMs(wire.remoteAddress, clock.monotonicMs());
    if (throttleMs > 0) return this.#closeLater(listener, wire, throttleMs);
    const refusal = quota.addressRefusal(wire.remoteAddress);
    if (refusal !== null) return this.#refuse(listener, wire, refusal);
    quota.add(listener.name, wire.remoteAddress);
    admit(listener, wire);
    if (quota.isOver && quota.isProtected(listener.name)) closeIdlest();
  }

  #closeLater(listener: L, wire: Wire, throttleMs: number): void {
    this.#options.log.warn('throttled', 'closing a connection: its address connects more often than its quota', { address: wire.remoteAddress, listener: listener.name, throttleMs });
    this.#closing.set(wire, this.#options.clock.setTimer(throttleMs, () => {
      this.#closing.delete(wire);
      wire.destroy();
    }));
  }

  #refuse(listener: L, wire: Wire, reason: string): void {
    this.#options.log.warn('quota', `refusing a connection: ${reason}`, { address: wire.remoteAddress, listener: listener.name });
    wire.destroy();
  }
}

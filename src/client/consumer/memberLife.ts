import type { Timer } from '../../base/ports.ts';
import { errorName, KafkaError } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { Coordinator, CoordinatorKind, isCoordinatorLost } from '../core/coordinators.ts';
import type { GroupOptions } from './membership.ts';

/** What differs between the protocols. */
export interface MemberBeat {
  readonly intervalMs: number;
  /** Whether another heartbeat follows. */
  readonly goesOn: boolean;
  /** One heartbeat; failures are logged and pass. */
  beat(): Promise<void>;
  /** The application has not polled for `maxPollIntervalMs`: others should have its partitions. */
  leaveIdle(): Promise<void>;
}

/** What a member of either protocol does between rebalances: its coordinator, its heartbeats, and looking after the application. */
export class MemberLife {
  readonly coordinator: Coordinator;
  readonly #cluster: Cluster;
  readonly #maxPollIntervalMs: number;
  readonly #beat: MemberBeat;
  #timer: Timer | null = null;
  #polledMs = 0;
  #isClosed = false;

  constructor(cluster: Cluster, { groupId, maxPollIntervalMs }: GroupOptions, beat: MemberBeat) {
    this.#cluster = cluster;
    this.#maxPollIntervalMs = maxPollIntervalMs;
    this.#beat = beat;
    this.coordinator = new Coordinator(cluster, CoordinatorKind.group, groupId);
    this.onPoll();
  }

  onPoll(): void {
    this.#polledMs = this.#cluster.options.clock.monotonicMs();
  }

  /** The next heartbeat comes after the interval, unless the member was closed. */
  schedule(): void {
    this.stop();
    if (!this.#isClosed) this.#timer = this.#cluster.options.clock.setTimer(this.#beat.intervalMs, () => void this.#onTimer());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** For good. */
  async close(leave: () => Promise<void>): Promise<void> {
    this.#isClosed = true;
    this.stop();
    try {
      await leave();
    } finally {
      this.coordinator.close();
    }
  }

  /** Throws what a code means that says nothing about this membership. */
  fail(code: number, where?: string): never {
    if (isCoordinatorLost(code)) this.coordinator.forget();
    throw new KafkaError(code, where);
  }

  async #onTimer(): Promise<void> {
    const timer = this.#timer;
    const { clock, logger } = this.#cluster.options;
    try {
      if (clock.monotonicMs() - this.#polledMs > this.#maxPollIntervalMs) {
        logger.warn('the group is left, since records were not polled for max.poll.interval.ms');
        await this.#beat.leaveIdle();
        return;
      }
      await this.#beat.beat();
    } catch (error) {
      logger.debug('heartbeat failed', { error: (error as Error).message });
    }
    // a join meanwhile has set a timer of its own; until then the group must not take this member for dead
    if (this.#timer === timer && timer !== null && this.#beat.goesOn) this.schedule();
  }
}

/** The group is at another assignment now. */
export function rebalanced(code: number): ClientError {
  return new ClientError('REBALANCED', `the group has moved on (${errorName(code)})`);
}

import type { Clock } from '../../base/ports.ts';
import type { Uuid } from '../../protocol/types.ts';
import type { Cluster } from '../core/cluster.ts';
import { clientMetrics, type MeasuredClient } from './clientMetrics.ts';
import type { RequestMeter } from './requestMeter.ts';
import { TelemetryPusher } from './telemetryPusher.ts';

/** What the client is made of at the moment. */
export type ClientParts = Pick<MeasuredClient, 'hasProducers' | 'hasConsumers' | 'hasAdmin' | 'assignedPartitions'>;

/** Tells the brokers how this client does, as far as they ask (KIP-714). Begins with the client's first request. */
export class ClientTelemetry {
  readonly #cluster: Cluster;
  readonly #meter: RequestMeter;
  readonly #clock: Clock;
  readonly #parts: () => ClientParts;
  readonly #pusher: TelemetryPusher;
  #connectionsTold = 0;
  #toldMs: number;
  readonly #own = new Map<string, () => number>();

  /** `clock`: its timers should not keep the process alive. */
  constructor(cluster: Cluster, meter: RequestMeter, clock: Clock, parts: () => ClientParts) {
    this.#cluster = cluster;
    this.#meter = meter;
    this.#clock = clock;
    this.#parts = parts;
    this.#toldMs = clock.monotonicMs();
    this.#pusher = new TelemetryPusher({
      cluster, clock, collect: () => this.#collect(),
      onSubscribed: (isWanted) => {
        meter.isMeasuring = isWanted;
      },
    });
    meter.onFirstRequest = () => this.#pusher.start();
  }

  /** As TelemetryPusher.instanceId. */
  instanceId(): Promise<Uuid> {
    return this.#pusher.instanceId();
  }

  /** A number of the application's own, told under its name from now on where a broker asks for it; in place of one of the same name. */
  register(name: string, read: () => number): void {
    this.#own.set(name, read);
  }

  unregister(name: string): void {
    this.#own.delete(name);
  }

  /** The last push; takes a second at most. */
  close(): Promise<void> {
    this.#meter.onFirstRequest = null;
    return this.#pusher.close();
  }

  #collect(): ReturnType<typeof clientMetrics> {
    const nowMs = this.#clock.monotonicMs();
    const { counters } = this.#cluster;
    const metrics = clientMetrics({ ...this.#parts(), counters, meter: this.#meter, elapsedMs: nowMs - this.#toldMs, connectionsOpenedBefore: this.#connectionsTold });
    this.#toldMs = nowMs;
    this.#connectionsTold = counters.connectionsOpened;
    this.#meter.reset();
    for (const [name, read] of this.#own) metrics.push({ name, value: read(), isTotal: false });
    return metrics;
  }
}

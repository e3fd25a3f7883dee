/** What clients measure of themselves and push (KIP-714): who pushes what how often, and what they said last. */
import type { Clock, Random } from '../../base/ports.ts';
import { compute } from '../../binding/load.ts';
import { clientMetricsSubscription } from '../../config/clientMetricsConfig.ts';
import type { ClientMetricsSubscription, ClientSelector } from '../../config/clientMetricsConfig.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import { ConfigResourceType } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { RequestContext } from '../contract.ts';
import type { PushedPoint } from './otlp.ts';

const INSTANCES_MAX = 16_384;
/** Of one client. */
export const POINTS_MAX = 2_000;
const INTERVAL_MS_DEFAULT = 300_000;
/** A client that has been silent for so many of its intervals is gone. */
const INTERVALS_TO_FORGET = 3;
const UUID_BYTES = 16;

/** What a client is told to push. */
export interface Wanted {
  readonly subscriptionId: number;
  readonly intervalMs: number;
  readonly metrics: readonly string[];
}

export type ClientTraits = Readonly<Record<ClientSelector, string>>;

/** Whoever sends; the port is not known behind some networks. */
export function traitsOf(context: RequestContext<unknown>, clientInstanceId: string): ClientTraits {
  const { connection } = context;
  return {
    client_instance_id: clientInstanceId,
    client_id: context.clientId,
    client_software_name: connection.clientSoftwareName,
    client_software_version: connection.clientSoftwareVersion,
    client_source_address: connection.remoteAddress,
    client_source_port: '',
  };
}

interface Series {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  value: number;
}

class Instance {
  traits: ClientTraits;
  wanted: Wanted;
  lastGetMs = -Infinity;
  lastPushMs = -Infinity;
  /** A client that was refused may ask again at once. */
  mayAskAgain = true;
  isTerminating = false;
  readonly series = new Map<string, Series>();

  constructor(traits: ClientTraits, wanted: Wanted) {
    this.traits = traits;
    this.wanted = wanted;
  }
}

/** One number that a client pushed. */
export interface ClientSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Telemetry {
  readonly #metadata: ClusterMetadata;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The one that spoke last is the last. */
  readonly #instances = new Map<string, Instance>();
  #subscriptions: readonly ClientMetricsSubscription[] = [];
  #subscriptionsAt = -1;

  constructor(metadata: ClusterMetadata, clock: Clock, random: Random) {
    this.#metadata = metadata;
    this.#clock = clock;
    this.#random = random;
  }

  get instanceCount(): number {
    return this.#instances.size;
  }

  newInstanceId(): string {
    return Buffer.from(this.#random.bytes(UUID_BYTES)).toString('base64url');
  }

  /** What this client is to push. An error code when it asks too often. */
  subscribe(traits: ClientTraits): Wanted | number {
    const instance = this.#touch(traits);
    const wanted = this.#wantedBy(traits);
    const nowMs = this.#clock.monotonicMs();
    const isSame = wanted.subscriptionId === instance.wanted.subscriptionId;
    if (isSame && !instance.mayAskAgain && nowMs - Math.max(instance.lastGetMs, instance.lastPushMs) < wanted.intervalMs) return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    instance.wanted = wanted;
    instance.lastGetMs = nowMs;
    instance.mayAskAgain = false;
    return wanted;
  }

  /** Whether a push may be taken; NONE if so. */
  admitPush(traits: ClientTraits, subscriptionId: number, isTerminating: boolean): number {
    if (traits.client_instance_id === zeroUuid) return ErrorCode.INVALID_REQUEST;
    const instance = this.#touch(traits);
    const nowMs = this.#clock.monotonicMs();
    if (instance.isTerminating) return ErrorCode.INVALID_REQUEST;
    if (!isTerminating && instance.lastGetMs <= instance.lastPushMs && nowMs - instance.lastPushMs < instance.wanted.intervalMs) return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    if (subscriptionId !== this.#wantedBy(traits).subscriptionId) {
      instance.mayAskAgain = true;
      return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
    }
    instance.isTerminating = isTerminating;
    instance.lastPushMs = nowMs;
    return ErrorCode.NONE;
  }

  /** Takes over what an admitted push said. */
  take(clientInstanceId: string, points: readonly PushedPoint[]): void {
    const instance = this.#instances.get(clientInstanceId);
    if (instance === undefined) return;
    for (const { name, value, isDelta, attributes } of points) {
      const key = `${name}|${JSON.stringify(attributes)}`;
      const series = instance.series.get(key);
      if (series !== undefined) series.value = isDelta ? series.value + value : value;
      else if (instance.series.size < POINTS_MAX) instance.series.set(key, { name, attributes, value });
    }
  }

  /** What clients that are still there said last. */
  *samples(): Iterable<ClientSample> {
    this.#forgetSilent();
    for (const { traits, series } of this.#instances.values()) {
      const { client_source_port: _port, ...labels } = traits;
      for (const { name, attributes, value } of series.values()) yield { name, labels: { ...attributes, ...labels }, value };
    }
  }

  #touch(traits: ClientTraits): Instance {
    const id = traits.client_instance_id;
    const instance = this.#instances.get(id) ?? new Instance(traits, this.#wantedBy(traits));
    this.#instances.delete(id);
    this.#instances.set(id, instance);
    instance.traits = traits;
    if (this.#instances.size > INSTANCES_MAX) this.#instances.delete(this.#instances.keys().next().value!);
    return instance;
  }

  #forgetSilent(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { lastGetMs, lastPushMs, wanted, isTerminating }] of this.#instances) {
      if (isTerminating || nowMs - Math.max(lastGetMs, lastPushMs) > wanted.intervalMs * INTERVALS_TO_FORGET) this.#instances.delete(id);
    }
  }

  #wantedBy(traits: ClientTraits): Wanted {
    const matching = this.#current().filter(({ metrics, selectors }) => metrics.length > 0 && [...selectors].every(([selector, pattern]) => pattern.matches(traits[selector])));
    const metrics = [...new Set(matching.flatMap((subscription) => subscription.metrics))].toSorted();
    const intervalMs = matching.reduce((least, subscription) => Math.min(least, subscription.intervalMs), matching.length === 0 ? INTERVAL_MS_DEFAULT : Infinity);
    const isAll = metrics.includes('*');
    const text = `${traits.client_instance_id}|${intervalMs}|${metrics.join(',')}`;
    return { subscriptionId: compute.crc32c(Buffer.from(text), 0) | 0, intervalMs, metrics: isAll ? ['*'] : metrics };
  }

  #current(): readonly ClientMetricsSubscription[] {
    const { image } = this.#metadata;
    if (image.version !== this.#subscriptionsAt) {
      this.#subscriptionsAt = image.version;
      this.#subscriptions = [...image.configResources(ConfigResourceType.clientMetrics)].map((name) =>
        clientMetricsSubscription(image.configsOf(ConfigResourceType.clientMetrics, name)));
    }
    return this.#subscriptions;
  }
}

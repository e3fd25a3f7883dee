/** Measures what clients use and says how long they have to wait (KIP-13, KIP-55, KIP-124, KIP-219, KIP-599). */
import type { Clock } from '../../base/ports.ts';
import { RateMeter } from '../../base/rateMeter.ts';
import { QuotaEntityType, QuotaKey } from '../../metadata/clientQuotas.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import type { Histogram, MetricsRegistry } from '../../metrics/registry.ts';
import type { ClientConnection } from '../contract.ts';
import { QuotaLookup } from './limits.ts';
import { TokenBucket } from './tokenBucket.ts';

export interface QuotaSettings {
  /** quota.window.num and .size.seconds; the same of controller.quota. */
  readonly windows: number;
  readonly windowMs: number;
  readonly controllerWindows: number;
  readonly controllerWindowMs: number;
}

export interface ClientQuotasOptions {
  readonly metadata: ClusterMetadata;
  readonly clock: Clock;
  readonly metrics: MetricsRegistry;
  readonly settings: QuotaSettings;
}

/** Meters, and clients that are known by name; past it, those at rest are forgotten. */
const KNOWN_MAX = 10_000;
/** A client may call itself by 32 KiB; of longer names only so much is looked at, and kept. */
const CLIENT_ID_LENGTH_MAX = 256;
/** A client at rest for so long begins anew. */
const REST_MS = 60_000;

/** What limits one user with one client id. */
interface Limits {
  readonly produce: RateMeter | null;
  readonly fetch: RateMeter | null;
  readonly request: RateMeter | null;
  readonly mutation: TokenBucket | null;
}

const UNLIMITED: Limits = { produce: null, fetch: null, request: null, mutation: null };

export class ClientQuotas {
  readonly #metadata: ClusterMetadata;
  readonly #clock: Clock;
  readonly #settings: QuotaSettings;
  readonly #throttled: Readonly<Record<keyof Limits, Histogram>>;
  #version = 0;
  #isActive = false;
  /** By user, then client id. */
  #limits = new Map<string, Map<string, Limits>>();
  #knownCount = 0;
  readonly #meters = new Map<string, RateMeter>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor({ metadata, clock, metrics, settings }: ClientQuotasOptions) {
    this.#metadata = metadata;
    this.#clock = clock;
    this.#settings = settings;
    const throttled = (quota: string): Histogram => metrics.histogram('quota_throttle_time_ms', { quota });
    this.#throttled = { produce: throttled('produce'), fetch: throttled('fetch'), request: throttled('request'), mutation: throttled('controller_mutation') };
    metrics.gauge('quota_entities', () => this.#meters.size + this.#buckets.size);
  }

  /** Whether there is any quota of users or client ids at all. */
  get isActive(): boolean {
    if (this.#metadata.image.clientQuotas.version !== this.#version) this.#renew();
    return this.#isActive;
  }

  /** Counts the bytes of a produce request. Returns for how long its client has to wait, 0 for not at all. */
  produce(connection: ClientConnection, clientId: string, bytes: number): number {
    return this.#count('produce', this.#limitsOf(connection, clientId).produce, bytes, Infinity);
  }

  /** Most bytes that one fetch can return without being throttled in any case. */
  fetchBytesMax(connection: ClientConnection, clientId: string): number {
    if (!this.isActive) return Infinity;
    const { fetch } = this.#limitsOf(connection, clientId);
    return fetch === null ? Infinity : fetch.limit * Math.max(this.#settings.windows - 1, 1) * (this.#settings.windowMs / 1000);
  }

  /** Counts the bytes of a fetch's answer unless they are too many: then they must not be sent, and the client waits for as long as is returned. */
  fetch(connection: ClientConnection, clientId: string, bytes: number): number {
    if (!this.isActive) return 0;
    const meter = this.#limitsOf(connection, clientId).fetch;
    if (meter === null) return 0;
    const throttleMs = meter.throttleMsWith(bytes, this.#clock.monotonicMs());
    if (throttleMs > 0) this.#throttled.fetch.record(throttleMs);
    return throttleMs;
  }

  /** Counts the time that the broker was busy with a request. */
  request(connection: ClientConnection, clientId: string, busyMs: number): number {
    // A tenth of a millisecond in a second is a hundredth of a percent of it.
    return this.#count('request', this.#limitsOf(connection, clientId).request, busyMs / 10, this.#settings.windowMs);
  }

  /** Null: partitions may be made and removed without end. */
  mutations(connection: ClientConnection, clientId: string): MutationQuota | null {
    if (!this.isActive) return null;
    const { mutation } = this.#limitsOf(connection, clientId);
    return mutation === null ? null : new MutationQuota(mutation, this.#clock, this.#throttled.mutation);
  }

  #count(kind: keyof Limits, meter: RateMeter | null, value: number, throttleMsMax: number): number {
    if (meter === null) return 0;
    const nowMs = this.#clock.monotonicMs();
    meter.record(value, nowMs);
    const throttleMs = Math.min(meter.throttleMs(nowMs), throttleMsMax);
    if (throttleMs > 0) this.#throttled[kind].record(throttleMs);
    return throttleMs;
  }

  #limitsOf({ principal }: ClientConnection, clientId: string): Limits {
    if (!this.isActive) return UNLIMITED;
    const name = clientId.length <= CLIENT_ID_LENGTH_MAX ? clientId : shortened(clientId);
    return this.#limits.get(principal)?.get(name) ?? this.#resolve(principal, name);
  }

  #resolve(principal: string, clientId: string): Limits {
    if (this.#knownCount >= KNOWN_MAX) this.#forgetResting();
    const user = principal.slice(principal.indexOf(':') + 1);
    const lookup = new QuotaLookup(this.#metadata.image.clientQuotas, user, clientId);
    const limits: Limits = {
      produce: this.#meter(QuotaKey.producerByteRate, lookup),
      fetch: this.#meter(QuotaKey.consumerByteRate, lookup),
      request: this.#meter(QuotaKey.requestPercentage, lookup),
      mutation: this.#bucket(lookup),
    };
    const ofPrincipal = this.#limits.get(principal) ?? new Map<string, Limits>();
    this.#limits.set(principal, ofPrincipal);
    ofPrincipal.set(clientId, limits);
    this.#knownCount++;
    return limits;
  }

  #meter(key: string, lookup: QuotaLookup): RateMeter | null {
    const limit = lookup.limit(key);
    if (limit === null) return null;
    const id = `${key} ${limit.sharedBy}`;
    const { windows, windowMs } = this.#settings;
    const meter = this.#meters.get(id) ?? new RateMeter(limit.value, windows, windowMs, this.#clock.monotonicMs());
    this.#meters.set(id, meter);
    meter.limit = limit.value;
    return meter;
  }

  #bucket(lookup: QuotaLookup): TokenBucket | null {
    const limit = lookup.limit(QuotaKey.controllerMutationRate);
    if (limit === null) return null;
    const { controllerWindows, controllerWindowMs } = this.#settings;
    const bucket = this.#buckets.get(limit.sharedBy) ?? new TokenBucket(limit.value, (controllerWindows * controllerWindowMs) / 1000, this.#clock.monotonicMs());
    this.#buckets.set(limit.sharedBy, bucket);
    bucket.rate = limit.value;
    return bucket;
  }

  /** The quotas have changed: what was measured stays, what is allowed is looked up anew. */
  #renew(): void {
    const { clientQuotas } = this.#metadata.image;
    this.#version = clientQuotas.version;
    this.#isActive = false;
    for (const { entity } of clientQuotas.entries()) if (!entity.has(QuotaEntityType.ip)) this.#isActive = true;
    this.#forgetLimits();
    if (this.#isActive) return;
    this.#meters.clear();
    this.#buckets.clear();
  }

  #forgetLimits(): void {
    this.#limits = new Map();
    this.#knownCount = 0;
  }

  #forgetResting(): void {
    this.#forgetLimits();
    const restMs = Math.max(REST_MS, this.#settings.windows * this.#settings.windowMs, this.#settings.controllerWindows * this.#settings.controllerWindowMs);
    const nowMs = this.#clock.monotonicMs();
    for (const all of [this.#meters, this.#buckets] as const) {
      for (const [id, meter] of all) if (nowMs - meter.lastMs > restMs || all.size > KNOWN_MAX) all.delete(id);
    }
  }
}

/** A copy: a slice would hold the whole text. */
const shortened = (clientId: string): string => Buffer.from(clientId.slice(0, CLIENT_ID_LENGTH_MAX)).toString();

/** Partitions made and removed by one request. */
export class MutationQuota {
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  readonly #throttled: Histogram;
  /** What the client has to be told. */
  throttleMs = 0;

  constructor(bucket: TokenBucket, clock: Clock, throttled: Histogram) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#throttled = throttled;
  }

  /** False when there is a debt: the partitions must not be touched. */
  admit(partitions: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const throttleMs = this.#bucket.throttleMs(nowMs);
    if (throttleMs > 0) {
      this.#throttle(throttleMs);
      return false;
    }
    this.#bucket.take(partitions, nowMs);
    return true;
  }

  /** For clients that do not know the error: touched in any case, and the client waits afterwards. */
  count(partitions: number): void {
    const nowMs = this.#clock.monotonicMs();
    this.#bucket.take(partitions, nowMs);
    const throttleMs = this.#bucket.throttleMs(nowMs);
    if (throttleMs > 0) this.#throttle(throttleMs);
  }

  #throttle(throttleMs: number): void {
    if (this.throttleMs === 0) this.#throttled.record(throttleMs);
    this.throttleMs = throttleMs;
  }
}

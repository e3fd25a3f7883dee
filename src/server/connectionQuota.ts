/** How many connections there are, and how fast they come: altogether, of one listener, of one address (KIP-402, KIP-612). */
import { RateMeter } from '../base/rateMeter.ts';
import type { ConnectionLimits, ServerSettings } from './settings.ts';

/** Addresses whose rate is measured; past it those that rest are forgotten. */
const ADDRESSES_MAX = 10_000;

export class ConnectionQuota {
  readonly #settings: () => ServerSettings;
  readonly #limits: ConnectionLimits;
  readonly #countByAddress = new Map<string, number>();
  readonly #countByListener = new Map<string, number>();
  readonly #rateOfListener = new Map<string, RateMeter>();
  readonly #rateOfAddress = new Map<string, RateMeter>();
  #rate: RateMeter | null = null;
  #count = 0;

  constructor(settings: () => ServerSettings, limits: ConnectionLimits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether a connection of this listener has a place. Those of the protected listener always have one of the broker's. */
  hasPlace(listener: string): boolean {
    if ((this.#countByListener.get(listener) ?? 0) >= this.#limits.ofListener(listener).maxConnections) return false;
    return this.#count < this.#settings().maxConnections || this.isProtected(listener);
  }

  isProtected(listener: string): boolean {
    return listener === this.#limits.protectedListener;
  }

  /** The protected listener took more than there were places: somebody else has to go. */
  get isOver(): boolean {
    return this.#count > this.#settings().maxConnections;
  }

  /** Counts that a connection has come, and says for how long it must wait. */
  waitMs(listener: string, nowMs: number): number {
    const forListener = this.#limits.ofListener(listener).maxCreationRate;
    let waitMs = 0;
    if (Number.isFinite(forListener)) waitMs = recorded(this.#meterOf(this.#rateOfListener, listener, forListener, nowMs), nowMs);
    const { maxCreationRate } = this.#limits;
    if (!Number.isFinite(maxCreationRate) || this.isProtected(listener)) return waitMs;
    this.#rate ??= this.#newMeter(maxCreationRate, nowMs);
    this.#rate.limit = maxCreationRate;
    return Math.max(waitMs, recorded(this.#rate, nowMs));
  }

  /** Counts that an address has connected. Above its quota it does not count, and the connection is to be closed after so long. */
  addressThrottleMs(address: string, nowMs: number): number {
    const limit = this.#limits.creationRateOf(address);
    if (!Number.isFinite(limit)) {
      this.#rateOfAddress.delete(address);
      return 0;
    }
    this.#forgetResting(nowMs);
    return this.#meterOf(this.#rateOfAddress, address, limit, nowMs).throttleMsWith(1, nowMs);
  }

  /** Null when there is a place for the address; else why not. */
  addressRefusal(address: string): string | null {
    const { maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#settings();
    const limit = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp;
    return (this.#countByAddress.get(address) ?? 0) >= limit ? `max.connections.per.ip (${limit}) is reached` : null;
  }

  add(listener: string, address: string): void {
    this.#count += 1;
    this.#countByListener.set(listener, (this.#countByListener.get(listener) ?? 0) + 1);
    this.#countByAddress.set(address, (this.#countByAddress.get(address) ?? 0) + 1);
  }

  remove(listener: string, address: string): void {
    this.#count -= 1;
    takeOne(this.#countByListener, listener);
    takeOne(this.#countByAddress, address);
  }

  #meterOf(meters: Map<string, RateMeter>, key: string, limit: number, nowMs: number): RateMeter {
    const meter = meters.get(key) ?? this.#newMeter(limit, nowMs);
    meters.set(key, meter);
    meter.limit = limit;
    return meter;
  }

  #newMeter(limit: number, nowMs: number): RateMeter {
    return new RateMeter(limit, this.#limits.windows, this.#limits.windowMs, nowMs);
  }

  #forgetResting(nowMs: number): void {
    if (this.#rateOfAddress.size < ADDRESSES_MAX) return;
    const restMs = this.#limits.windows * this.#limits.windowMs;
    for (const [address, meter] of this.#rateOfAddress) {
      if (nowMs - meter.lastMs > restMs || this.#rateOfAddress.size > ADDRESSES_MAX) this.#rateOfAddress.delete(address);
    }
  }
}

function recorded(meter: RateMeter, nowMs: number): number {
  meter.record(1, nowMs);
  return meter.throttleMs(nowMs);
}

function takeOne(counts: Map<string, number>, key: string): void {
  const left = (counts.get(key) ?? 1) - 1;
  if (left === 0) counts.delete(key);
  else counts.set(key, left);
}

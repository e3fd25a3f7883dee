/** How many connections there may be, altogether and of one address. */
import type { ServerSettings } from './settings.ts';

export class ConnectionQuota {
  readonly #settings: () => ServerSettings;
  readonly #countByAddress = new Map<string, number>();
  #count = 0;

  constructor(settings: () => ServerSettings) {
    this.#settings = settings;
  }

  get count(): number {
    return this.#count;
  }

  /** Null when the connection may stay; else why not. Call `release` for each that stayed. */
  admit(address: string): string | null {
    const { maxConnections, maxConnectionsPerIp, maxConnectionsPerIpOverrides } = this.#settings();
    if (this.#count >= maxConnections) return `max.connections (${maxConnections}) is reached`;
    const ofAddress = this.#countByAddress.get(address) ?? 0;
    const limit = maxConnectionsPerIpOverrides.get(address) ?? maxConnectionsPerIp;
    if (ofAddress >= limit) return `max.connections.per.ip (${limit}) is reached`;
    this.#count += 1;
    this.#countByAddress.set(address, ofAddress + 1);
    return null;
  }

  release(address: string): void {
    this.#count -= 1;
    const left = (this.#countByAddress.get(address) ?? 1) - 1;
    if (left === 0) this.#countByAddress.delete(address);
    else this.#countByAddress.set(address, left);
  }
}

/** The keys of an issuer (JWKS), read again from time to time and when a token names one that is not known. */
import type { createLocalJWKSet, JSONWebKeySet } from 'jose';
import type { Clock, Logger } from '../../../base/ports.ts';
import { TokenError } from './claims.ts';

/** Reads a document of keys. Rejects when it cannot; bounded in time and size. */
export type FetchDocument = (url: string) => Promise<string>;

export interface KeyStoreOptions {
  readonly url: string;
  readonly refreshMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly fetchDocument: FetchDocument;
  readonly clock: Clock;
  readonly logger: Logger;
}

type KeySet = ReturnType<typeof createLocalJWKSet>;

/** A token with an unknown key makes us ask the issuer at most this often. */
const UNKNOWN_KEY_INTERVAL_MS = 10_000;
const KEYS_MAX = 1000;

export class KeyStore {
  readonly #options: KeyStoreOptions;
  #keys: KeySet | null = null;
  #loading: Promise<KeySet | null> | null = null;
  #askedMs = -Infinity;
  #failures = 0;

  constructor(options: KeyStoreOptions) {
    this.#options = options;
  }

  /** Rejects with TokenError while there are no keys at all. */
  async current(): Promise<KeySet> {
    if (this.#isDue()) {
      const loading = this.#load();
      // Old keys serve while new ones are fetched.
      if (this.#keys === null) await loading;
    } else if (this.#keys === null) {
      await this.#loading;
    }
    if (this.#keys === null) throw new TokenError('the keys of the issuer could not be read');
    return this.#keys;
  }

  /** False when it is too early for that, or failed. */
  async refreshNow(): Promise<boolean> {
    if (this.#ageMs() < UNKNOWN_KEY_INTERVAL_MS) return false;
    return (await this.#load()) !== null;
  }

  #ageMs(): number {
    return this.#options.clock.monotonicMs() - this.#askedMs;
  }

  #isDue(): boolean {
    const { refreshMs, retryBackoffMs, retryBackoffMaxMs } = this.#options;
    if (this.#loading !== null) return false;
    const waitMs = this.#failures === 0 ? refreshMs : Math.min(retryBackoffMs * 2 ** Math.min(this.#failures - 1, 30), retryBackoffMaxMs);
    return this.#ageMs() >= waitMs;
  }

  #load(): Promise<KeySet | null> {
    this.#askedMs = this.#options.clock.monotonicMs();
    this.#loading ??= this.#fetch().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #fetch(): Promise<KeySet | null> {
    const { url, fetchDocument, logger } = this.#options;
    try {
      const document = JSON.parse(await fetchDocument(url)) as JSONWebKeySet;
      if (!Array.isArray(document.keys) || document.keys.length > KEYS_MAX) throw new Error('the document is no key set');
      const { createLocalJWKSet } = await import('jose');
      this.#keys = createLocalJWKSet(document);
      this.#failures = 0;
      return this.#keys;
    } catch (error) {
      this.#failures += 1;
      logger.warn('the keys of the token issuer could not be read', { url, reason: error instanceof Error ? error.message : String(error) });
      return null;
    }
  }
}

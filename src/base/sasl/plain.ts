/** SASL PLAIN (RFC 4616): authorization id, user and password, parted by NUL. */
import { loadCrypto } from '../lazyModules.ts';
import { SaslError } from './saslError.ts';

export interface PlainResponse {
  readonly authorizationId: string;
  readonly username: string;
  readonly password: string;
}

export function encodePlainResponse({ authorizationId, username, password }: PlainResponse): Buffer {
  return Buffer.from(`${authorizationId}\0${username}\0${password}`, 'utf8');
}

/** Throws SaslError with Kafka's wording. */
export function parsePlainResponse(bytes: Buffer): PlainResponse {
  const parts = bytes.toString('utf8').split('\0', 5);
  if (parts.length !== 3) throw new SaslError(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length === 5 ? 'more' : parts.length}`, true);
  const [authorizationId, username, password] = parts as [string, string, string];
  if (username === '') throw new SaslError('Authentication failed: username not specified', true);
  if (password === '') throw new SaslError('Authentication failed: password not specified', true);
  return { authorizationId, username, password };
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function isSameSecret(left: string, right: string): boolean {
  const { createHash, timingSafeEqual } = loadCrypto();
  const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();
  return timingSafeEqual(digest(left), digest(right));
}

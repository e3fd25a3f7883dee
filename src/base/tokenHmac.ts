import { loadCrypto } from './lazyModules.ts';

/** The secret part of a delegation token: what the cluster's key makes of its id (KIP-48). */
export function tokenHmac(secretKey: string, tokenId: string): Buffer {
  return loadCrypto().createHmac('sha512', Buffer.from(secretKey, 'utf8')).update(tokenId, 'utf8').digest();
}

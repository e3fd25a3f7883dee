/** SCRAM (RFC 5802, RFC 7677) as Kafka speaks it: messages, keys and proofs of SCRAM-SHA-256 and SCRAM-SHA-512. */
import { loadCrypto } from '../lazyModules.ts';

export interface ScramMechanism {
  readonly name: string;
  /** Number in Kafka's protocol and records. */
  readonly code: number;
  readonly hash: 'sha256' | 'sha512';
  readonly hashBytes: number;
  readonly iterationsMin: number;
  readonly iterationsMax: number;
}

export const SCRAM_MECHANISMS: readonly ScramMechanism[] = [
  { name: 'SCRAM-SHA-256', code: 1, hash: 'sha256', hashBytes: 32, iterationsMin: 4096, iterationsMax: 16_384 },
  { name: 'SCRAM-SHA-512', code: 2, hash: 'sha512', hashBytes: 64, iterationsMin: 4096, iterationsMax: 16_384 },
];

export const scramByName = (name: string): ScramMechanism | undefined => SCRAM_MECHANISMS.find((mechanism) => mechanism.name === name);
export const scramByCode = (code: number): ScramMechanism | undefined => SCRAM_MECHANISMS.find((mechanism) => mechanism.code === code);

/** What a server keeps of a password. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
  readonly iterations: number;
}

/** Takes some milliseconds of the caller's thread. */
export function saltedPasswordSync({ hash, hashBytes }: ScramMechanism, password: string, salt: Uint8Array, iterations: number): Buffer {
  return loadCrypto().pbkdf2Sync(password, salt, iterations, hashBytes, hash);
}

export function saltedPassword({ hash, hashBytes }: ScramMechanism, password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    loadCrypto().pbkdf2(password, salt, iterations, hashBytes, hash, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

export function scramCredential(mechanism: ScramMechanism, salted: Uint8Array, salt: Buffer, iterations: number): ScramCredential {
  return { salt, iterations, storedKey: storedKeyOf(mechanism, clientKeyOf(mechanism, salted)), serverKey: hmac(mechanism, salted, 'Server Key') };
}

const hmac = ({ hash }: ScramMechanism, key: Uint8Array, text: string): Buffer => loadCrypto().createHmac(hash, key).update(text, 'utf8').digest();
const clientKeyOf = (mechanism: ScramMechanism, salted: Uint8Array): Buffer => hmac(mechanism, salted, 'Client Key');
const storedKeyOf = ({ hash }: ScramMechanism, clientKey: Uint8Array): Buffer => loadCrypto().createHash(hash).update(clientKey).digest();

function xor(left: Buffer, right: Buffer): Buffer {
  const out = Buffer.allocUnsafe(left.length);
  for (let index = 0; index < left.length; index++) out[index] = left[index]! ^ right[index]!;
  return out;
}

export function clientProof(mechanism: ScramMechanism, salted: Uint8Array, authMessage: string): Buffer {
  const clientKey = clientKeyOf(mechanism, salted);
  return xor(clientKey, hmac(mechanism, storedKeyOf(mechanism, clientKey), authMessage));
}

/** Whether who made the proof knows the password behind the credential. */
export function isProofOf(mechanism: ScramMechanism, { storedKey }: ScramCredential, authMessage: string, proof: Buffer): boolean {
  if (proof.length !== mechanism.hashBytes || storedKey.length !== mechanism.hashBytes) return false;
  const clientKey = xor(proof, hmac(mechanism, storedKey, authMessage));
  return loadCrypto().timingSafeEqual(storedKeyOf(mechanism, clientKey), storedKey);
}

export function serverSignature(mechanism: ScramMechanism, serverKey: Uint8Array, authMessage: string): Buffer {
  return hmac(mechanism, serverKey, authMessage);
}

export function isServerSignature(mechanism: ScramMechanism, salted: Uint8Array, authMessage: string, signature: Buffer): boolean {
  const wanted = serverSignature(mechanism, hmac(mechanism, salted, 'Server Key'), authMessage);
  return signature.length === wanted.length && loadCrypto().timingSafeEqual(signature, wanted);
}

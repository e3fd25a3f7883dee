/** Keys and certificates from where Kafka's `ssl.*` settings say: PEM texts and files, PKCS12, and Java's own JKS. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import jks from 'jks-js';
import type { TlsSettings } from '../../base/securityProtocol.ts';
import { readPkcs12, type StoreContents } from './pkcs12.ts';
import { TlsError } from './tlsError.ts';

/** PEM throughout; the key is not encrypted. */
export interface TlsMaterial {
  readonly key: string | null;
  /** The certificate of the key first. */
  readonly certificates: readonly string[];
  /** Null: the machine's own list. */
  readonly trusted: readonly string[] | null;
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;
const JKS_MAGIC = 0xfeedfeed;
const DER_SEQUENCE = 0x30;
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[A-Za-z0-9+/=\s:,.-]*?-----END \1-----/g;

/** Rejects with TlsError. */
export async function loadTlsMaterial(settings: TlsSettings): Promise<TlsMaterial> {
  const { key, certificates } = await loadKeys(settings);
  const trusted = await loadTrusted(settings);
  if (key !== null) checkPair(key, certificates, settings.keystoreLocation ?? 'ssl.keystore.certificate.chain');
  return { key, certificates, trusted };
}

/** The files that the material is read from. */
export function tlsFiles({ keystoreLocation, truststoreLocation }: TlsSettings): string[] {
  return [keystoreLocation, truststoreLocation].filter((path) => path !== null);
}

async function loadKeys(settings: TlsSettings): Promise<Pick<TlsMaterial, 'key' | 'certificates'>> {
  const { keystoreType, keystoreLocation, keystorePassword, keystoreKey, keystoreCertificateChain, keyPassword } = settings;
  if (keystoreKey !== null) {
    if (keystoreCertificateChain === null) throw new TlsError('ssl.keystore.key is set without ssl.keystore.certificate.chain');
    return pemKeys(keystoreKey, keystoreCertificateChain, keyPassword, 'ssl.keystore.key');
  }
  if (keystoreLocation === null) return { key: null, certificates: [] };
  const bytes = await read(keystoreLocation);
  if (isPem(keystoreType, keystoreLocation)) {
    const text = bytes.toString('latin1');
    return pemKeys(text, text, keyPassword, keystoreLocation);
  }
  return storeKeys(openStore(bytes, keystoreLocation, keystorePassword, keyPassword), keystoreLocation);
}

async function loadTrusted(settings: TlsSettings): Promise<readonly string[] | null> {
  const { truststoreType, truststoreLocation, truststorePassword, truststoreCertificates } = settings;
  if (truststoreCertificates !== null) return certificatesOf(truststoreCertificates, 'ssl.truststore.certificates');
  if (truststoreLocation === null) return null;
  const bytes = await read(truststoreLocation);
  if (isPem(truststoreType, truststoreLocation)) return certificatesOf(bytes.toString('latin1'), truststoreLocation);
  const trusted = openStore(bytes, truststoreLocation, truststorePassword, null).certificates;
  if (trusted.length === 0) throw new TlsError(`${truststoreLocation} holds no certificate to trust`);
  return trusted;
}

async function read(path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new TlsError(`${path} cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length > FILE_BYTES_MAX) throw new TlsError(`${path} is larger than ${FILE_BYTES_MAX} bytes: that is no key store`);
  return bytes;
}

function isPem(type: string, path: string): boolean {
  const upper = type.toUpperCase();
  if (upper === 'PEM') return true;
  if (upper === 'JKS' || upper === 'PKCS12') return false;
  throw new TlsError(`${path}: key stores of type ${type} cannot be read; allowed: PEM, PKCS12, JKS`);
}

function blocks(text: string, suffix: string): string[] {
  return [...text.matchAll(PEM_BLOCK)].filter((match) => (match[1] as string).endsWith(suffix)).map((match) => match[0]);
}

function certificatesOf(text: string, origin: string): string[] {
  const found = blocks(text, 'CERTIFICATE');
  if (found.length === 0) throw new TlsError(`${origin} holds no certificate in PEM`);
  for (const certificate of found) checkCertificate(certificate, origin);
  return found;
}

function checkCertificate(pem: string, origin: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new TlsError(`${origin} holds a certificate that cannot be read`);
  }
}

function pemKeys(keyText: string, chainText: string, password: string | null, origin: string): { key: string; certificates: string[] } {
  const keys = blocks(keyText, 'PRIVATE KEY');
  if (keys.length !== 1) throw new TlsError(`${origin} holds ${keys.length} private keys in PEM; one is needed`);
  return { key: plainKey(keys[0] as string, password, origin), certificates: certificatesOf(chainText, origin) };
}

function plainKey(pem: string, password: string | null, origin: string): string {
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(password === null ? {} : { passphrase: password }) }).export({ type: 'pkcs8', format: 'pem' }) as string;
  } catch {
    throw new TlsError(`the private key of ${origin} cannot be read${pem.includes('ENCRYPTED') ? ': it is encrypted, and ssl.key.password is missing or wrong' : ''}`);
  }
}

function openStore(bytes: Buffer, path: string, password: string | null, keyPassword: string | null): StoreContents {
  const isJks = bytes.length >= 4 && bytes.readUInt32BE(0) === JKS_MAGIC;
  if (!isJks && bytes[0] !== DER_SEQUENCE) throw new TlsError(`${path} is neither PKCS12 nor JKS; for PEM set the type to PEM`);
  try {
    return isJks ? readJks(bytes, password ?? '', keyPassword ?? password ?? '') : readPkcs12(bytes, password ?? '');
  } catch {
    // What the libraries say may name parts of what they read.
    throw new TlsError(`${path} cannot be opened: a password is missing or wrong, or the file is damaged`);
  }
}

/** The stores of Java before its release 9. */
function readJks(bytes: Buffer, password: string, keyPassword: string): StoreContents {
  const entries = Object.values(jks.toPem(bytes, password, keyPassword) as Record<string, { readonly cert?: string; readonly key?: string; readonly ca?: string }>);
  return { keys: entries.flatMap(({ key }) => key ?? []), certificates: entries.flatMap(({ cert, ca }) => blocks(cert ?? ca ?? '', 'CERTIFICATE')) };
}

function storeKeys({ keys, certificates }: StoreContents, path: string): { key: string; certificates: string[] } {
  if (keys[0] === undefined) throw new TlsError(`${path} holds no private key`);
  const key = plainKey(keys[0], null, path);
  const parsed = certificates.map((pem) => ({ pem, certificate: checkCertificate(pem, path) }));
  const privateKey = createPrivateKey(key);
  const own = parsed.find(({ certificate }) => certificate.checkPrivateKey(privateKey));
  if (own === undefined) throw new TlsError(`${path} holds no certificate of its private key`);
  return { key, certificates: [own.pem, ...certificates.filter((pem) => pem !== own.pem)] };
}

function checkPair(key: string, certificates: readonly string[], origin: string): void {
  const certificate = checkCertificate(certificates[0] as string, origin);
  if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new TlsError(`the first certificate of ${origin} does not belong to its private key`);
}

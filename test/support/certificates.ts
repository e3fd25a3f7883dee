/** Certificates for tests, made on the spot. */
import { generateKeyPairSync } from 'node:crypto';
import forge from 'node-forge';

export interface Issued {
  readonly key: string;
  readonly certificate: string;
}

/** The fields of a name, outermost first: `[['O', 'team'], ['CN', 'alice']]`. */
export type Name = readonly (readonly [string, string])[];

let serial = 1;
/** Making a key takes a second: two take turns. */
const keys: string[] = [];

function nextKey(): string {
  if (keys.length < 2) keys.push(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  else keys.push(keys.shift() as string);
  return keys.at(-1) as string;
}

/** Without an issuer: an authority of its own. */
export function issue(name: Name, issuer?: Issued): Issued {
  const key = nextKey();
  const certificate = forge.pki.createCertificate();
  const own = forge.pki.privateKeyFromPem(key);
  certificate.publicKey = forge.pki.setRsaPublicKey(own.n, own.e);
  certificate.serialNumber = (serial++).toString(16).padStart(4, '0');
  certificate.validity.notBefore = new Date(Date.now() - 3_600_000);
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject(name.map(([shortName, value]) => ({ shortName, value })));
  certificate.setIssuer(issuer === undefined ? certificate.subject.attributes : forge.pki.certificateFromPem(issuer.certificate).subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', cA: issuer === undefined },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }] },
  ]);
  certificate.sign(issuer === undefined ? own : forge.pki.privateKeyFromPem(issuer.key), forge.md.sha256.create());
  return { key, certificate: forge.pki.certificateToPem(certificate) };
}

export function toPkcs12({ key, certificate }: Issued, authority: Issued, password: string): Buffer {
  const chain = [certificate, authority.certificate].map((pem) => forge.pki.certificateFromPem(pem));
  const store = forge.pkcs12.toPkcs12Asn1(forge.pki.privateKeyFromPem(key), chain, password, { algorithm: '3des' });
  return Buffer.from(forge.asn1.toDer(store).getBytes(), 'latin1');
}

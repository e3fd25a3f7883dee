/** Suites by their IANA names, as Java and so Kafka's settings have them, to those of OpenSSL. */
import { getCiphers } from 'node:tls';
import { TlsError } from './tlsError.ts';

const KEY_EXCHANGES: ReadonlyMap<string, string> = new Map([['RSA', ''], ['ECDHE_RSA', 'ECDHE-RSA-'], ['ECDHE_ECDSA', 'ECDHE-ECDSA-'], ['DHE_RSA', 'DHE-RSA-']]);

/** The text that OpenSSL takes. TlsError for a suite that it does not have. */
export function opensslCiphers(suites: readonly string[]): string {
  const offered = new Set(getCiphers().map((name) => name.toUpperCase()));
  return suites.map((suite) => {
    const name = opensslName(suite);
    if (!offered.has(name)) throw new TlsError(`ssl.cipher.suites: ${suite} is not offered here`);
    return name;
  }).join(':');
}

function opensslName(suite: string): string {
  const match = /^TLS_(\w+)_WITH_(\w+)$/.exec(suite);
  // Those of TLS 1.3 have one name everywhere, and OpenSSL's own are taken as well.
  if (match === null) return suite.toUpperCase();
  const cipher = (match[2] as string).replace(/^AES_(\d+)_/, 'AES$1-').replace('_SHA256', '-SHA256').replace('_SHA384', '-SHA384').replace('_SHA', '-SHA');
  const known = cipher.replace('-CBC', '').replace('CBC-', '').replace(/^CHACHA20_POLY1305-SHA256$/, 'CHACHA20-POLY1305');
  return `${KEY_EXCHANGES.get(match[1] as string) ?? '?'}${known}`;
}

/** From settings and what they lead to, to what Node's TLS takes. */
import { createSecureContext, type SecureContextOptions, type SecureVersion } from 'node:tls';
import type { TlsSettings } from '../../base/securityProtocol.ts';
import { opensslCiphers } from './cipherSuites.ts';
import type { TlsMaterial } from './keyMaterial.ts';
import { TlsError } from './tlsError.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** TlsError for what OpenSSL does not take. */
export function contextOptions(settings: TlsSettings, material: TlsMaterial): SecureContextOptions {
  const enabled = VERSIONS.filter((version) => settings.enabledProtocols.includes(version));
  if (enabled.length === 0) throw new TlsError(`ssl.enabled.protocols names no version that is offered here; allowed: ${VERSIONS.join(', ')}`);
  const options: SecureContextOptions = {
    minVersion: enabled[0] as SecureVersion,
    maxVersion: enabled.at(-1) as SecureVersion,
    ...(material.key === null ? {} : { key: material.key, cert: material.certificates.join('\n') }),
    ...(material.trusted === null ? {} : { ca: [...material.trusted] }),
    ...(settings.cipherSuites.length === 0 ? {} : { ciphers: opensslCiphers(settings.cipherSuites) }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new TlsError(`the key and certificates cannot be used: ${(error as NodeJS.ErrnoException).code ?? 'unknown reason'}`);
  }
  return options;
}

/** TLS settings that cannot be used: a file, a password, a suite. The message names the file, never a secret. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
}

/** An error with the code that the system gives, for networks that are not the system's. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  /** ECONNREFUSED, EADDRINUSE, ETIMEDOUT, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** The system's code of an error, '' when it has none. */
export function errorCode(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

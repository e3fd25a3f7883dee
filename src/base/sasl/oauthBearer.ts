/** SASL OAUTHBEARER (RFC 7628): the client's one message, and the server's report of a token that it does not take. */
import { SaslError } from './saslError.ts';

export interface OAuthBearerResponse {
  readonly authorizationId: string;
  readonly token: string;
  readonly extensions: ReadonlyMap<string, string>;
}

const SEPARATOR = '\x01';
const HEADER = /^n,(?:a=([^,]*))?,$/;
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const EXTENSION_NAME = /^[A-Za-z]+$/;
const EXTENSION_VALUE = /^[\x21-\x7e \t\r\n]+$/;

/** What a client answers to the report of a failure. */
export const OAUTH_BEARER_ABORT = Buffer.from(SEPARATOR);

export function encodeOAuthBearerResponse({ authorizationId, token, extensions }: OAuthBearerResponse): Buffer {
  const authorization = authorizationId === '' ? '' : `a=${authorizationId}`;
  const pairs = [`auth=Bearer ${token}`, ...[...extensions].map(([name, value]) => `${name}=${value}`)];
  return Buffer.from(`n,${authorization},${SEPARATOR}${pairs.map((pair) => `${pair}${SEPARATOR}`).join('')}${SEPARATOR}`, 'utf8');
}

/** Throws SaslError for anything else than one bearer token with extensions. */
export function parseOAuthBearerResponse(bytes: Buffer): OAuthBearerResponse {
  const parts = bytes.toString('utf8').split(SEPARATOR);
  const header = HEADER.exec(parts[0] as string);
  const hasEnd = parts.length >= 4 && parts.at(-1) === '' && parts.at(-2) === '';
  if (header === null || !hasEnd) throw new SaslError('Invalid OAUTHBEARER client first message');
  const pairs = new Map<string, string>();
  for (const part of parts.slice(1, -2)) addPair(pairs, part);
  const auth = /^bearer +(.+)$/i.exec(pairs.get('auth') ?? '');
  const token = auth?.[1]?.trim() ?? '';
  if (!TOKEN.test(token)) throw new SaslError("Invalid OAUTHBEARER client first message: 'auth' not specified or no bearer token");
  pairs.delete('auth');
  return { authorizationId: header[1] ?? '', token, extensions: pairs };
}

function addPair(pairs: Map<string, string>, part: string): void {
  const at = part.indexOf('=');
  const name = part.slice(0, Math.max(at, 0));
  const value = part.slice(at + 1);
  if (!EXTENSION_NAME.test(name) || !EXTENSION_VALUE.test(value) || pairs.has(name)) throw new SaslError('Invalid OAUTHBEARER client first message: an extension is malformed');
  pairs.set(name, value);
}

/** The server's answer in place of success; the client aborts after it. */
export function oauthBearerFailure(status: 'invalid_token' | 'insufficient_scope', scope: string | null): Buffer {
  return Buffer.from(JSON.stringify({ status, ...(scope === null ? {} : { scope }) }), 'utf8');
}

/** What a client can say of such an answer. */
export function oauthBearerFailureText(bytes: Buffer): string {
  try {
    const { status } = JSON.parse(bytes.toString('utf8')) as { readonly status?: unknown };
    return typeof status === 'string' ? status.slice(0, 100) : 'unknown';
  } catch {
    return 'unknown';
  }
}

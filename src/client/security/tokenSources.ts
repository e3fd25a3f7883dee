/** Where a client's bearer token comes from: a token endpoint, a file, or (for trials) nobody's signature. */
import { SaslError, type JaasEntry } from '../../base/sasl/index.ts';
import type { Clock } from '../../base/ports.ts';
import { fetchDocument } from '../../net/documents.ts';

export type TokenSource = () => Promise<string>;

/** A token is asked for anew after this part of its life. */
const LIFE_USED = 0.8;
const UNSECURED_LIFE_SECONDS = 3600;
const CLAIM_OPTION = /^unsecuredLogin(String|Number)Claim_(.+)$/;

export interface ClientCredentials {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | null;
}

/** Keeps a token for most of its life. Rejects with SaslError. */
export function remembered(fetch: TokenSource, clock: Clock): TokenSource {
  let token = '';
  let untilMs = -Infinity;
  return async () => {
    if (clock.now() < untilMs) return token;
    const fresh = await fetch();
    const nowMs = clock.now();
    const expiresMs = expiryOf(fresh);
    token = fresh;
    untilMs = expiresMs === null ? -Infinity : nowMs + (expiresMs - nowMs) * LIFE_USED;
    return fresh;
  };
}

/** In milliseconds; null for a token that does not say. */
function expiryOf(token: string): number | null {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as { readonly exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : null;
  } catch {
    return null;
  }
}

/** OAuth's grant `client_credentials`. */
export function fromEndpoint({ url, clientId, clientSecret, scope }: ClientCredentials): TokenSource {
  const encode = (text: string): string => encodeURIComponent(text);
  const authorization = Buffer.from(`${clientId}:${clientSecret}`, 'utf8').toString('base64');
  return async () => {
    const body = `grant_type=client_credentials${scope === null ? '' : `&scope=${encode(scope)}`}`;
    const headers = { authorization: `Basic ${authorization}`, 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    return tokenIn(await fetched(url, () => fetchDocument(url, { method: 'POST', headers, body })));
  };
}

/** A file that holds one token. */
export function fromFile(url: string): TokenSource {
  return async () => (await fetched(url, () => fetchDocument(url))).trim();
}

async function fetched(url: string, fetch: () => Promise<string>): Promise<string> {
  try {
    return await fetch();
  } catch (error) {
    throw new SaslError(`no token could be had from ${url}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function tokenIn(document: string): string {
  let parsed: { readonly access_token?: unknown } = {};
  try {
    parsed = JSON.parse(document) as typeof parsed;
  } catch {
    throw new SaslError('the token endpoint answered with something that is no JSON');
  }
  const token = parsed.access_token;
  if (typeof token !== 'string' || token === '') throw new SaslError('the token endpoint answered without an access_token');
  return token;
}

/** An unsigned token with the claims of the login module's options. */
export function unsecured({ options }: JaasEntry, clock: Clock): TokenSource {
  return async () => {
    const issuedAt = Math.floor(clock.now() / 1000);
    const claims: Record<string, unknown> = { iat: issuedAt, exp: issuedAt + Number(options.get('unsecuredLoginLifetimeSeconds') ?? UNSECURED_LIFE_SECONDS) };
    for (const [name, value] of options) {
      const match = CLAIM_OPTION.exec(name);
      if (match !== null) claims[match[2] as string] = match[1] === 'Number' ? Number(value) : value;
    }
    const part = (value: object): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
    return `${part({ alg: 'none' })}.${part(claims)}.`;
  };
}

/** Checks of bearer tokens: signed ones against the issuer's keys, and unsigned ones where the settings ask for them by name. */
import type { Clock } from '../../../base/ports.ts';
import { checkClaims, TokenError, type CheckedToken, type ClaimRules } from './claims.ts';
import type { KeyStore } from './keyStore.ts';

export interface TokenChecker {
  /** Rejects with TokenError. */
  check(token: string): Promise<CheckedToken>;
}

/** No `none`, and nothing symmetric: a public key must never serve as a shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

export class SignedTokenChecker implements TokenChecker {
  readonly #keys: KeyStore;
  readonly #rules: ClaimRules;
  readonly #clock: Clock;

  constructor(keys: KeyStore, rules: ClaimRules, clock: Clock) {
    this.#keys = keys;
    this.#rules = rules;
    this.#clock = clock;
  }

  async check(token: string): Promise<CheckedToken> {
    return checkClaims(parseClaims(Buffer.from(await this.#verified(token)).toString('utf8')), this.#rules, this.#clock.now());
  }

  async #verified(token: string): Promise<Uint8Array> {
    try {
      return await this.#verify(token);
    } catch (error) {
      // The issuer may have turned its keys.
      const mayBeNewKey = codeOf(error) === 'ERR_JWKS_NO_MATCHING_KEY' && (await this.#keys.refreshNow());
      if (!mayBeNewKey) throw refusalOf(error);
    }
    return this.#verify(token).catch((error: unknown) => {
      throw refusalOf(error);
    });
  }

  async #verify(token: string): Promise<Uint8Array> {
    // Loaded by the first token: most brokers see none.
    const { compactVerify } = await import('jose');
    const keys = await this.#keys.current();
    const { payload } = await compactVerify(token, keys, { algorithms: ALGORITHMS });
    return payload;
  }
}

function refusalOf(error: unknown): TokenError {
  if (error instanceof TokenError) return error;
  const code = codeOf(error);
  return new TokenError(code === '' ? 'the token could not be checked' : `the token's signature was not accepted: ${code}`);
}

/** What the library calls it. */
function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** Tokens that nobody has signed (`alg` is `none`). */
export class UnsecuredTokenChecker implements TokenChecker {
  readonly #rules: ClaimRules;
  readonly #clock: Clock;

  constructor(rules: ClaimRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  async check(token: string): Promise<CheckedToken> {
    const [header = '', payload = '', signature, ...rest] = token.split('.');
    if (signature !== '' || rest.length > 0) throw new TokenError('the token is signed or malformed; only unsigned ones are taken');
    if (parseClaims(decode(header))['alg'] !== 'none') throw new TokenError('the token names an algorithm and has no signature');
    return checkClaims(parseClaims(decode(payload)), this.#rules, this.#clock.now());
  }
}

const decode = (part: string): string => Buffer.from(part, 'base64url').toString('utf8');

function parseClaims(text: string): Readonly<Record<string, unknown>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new TokenError('the token holds no JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new TokenError('the token holds no claims');
  return parsed as Readonly<Record<string, unknown>>;
}

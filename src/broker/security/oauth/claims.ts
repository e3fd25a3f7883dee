/** What a token's claims must say. Times in a token are in seconds since the epoch. */

/** A token that is not taken. The message is for the log, never for the client. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly isScope: boolean;
  readonly scope: string | null;

  constructor(message: string, missingScope: string | null = null) {
    super(message);
    this.isScope = missingScope !== null;
    this.scope = missingScope;
  }
}

export interface ClaimRules {
  /** A token must be for one of these; empty: for anybody. */
  readonly audience: readonly string[];
  readonly issuer: string | null;
  readonly clockSkewMs: number;
  readonly subjectClaimName: string;
  readonly scopeClaimName: string;
  /** Each of these must be in the scope. */
  readonly requiredScope: readonly string[];
  /** Whether the time of issue must be named. */
  readonly needsIssuedAt: boolean;
}

export interface CheckedToken {
  readonly subject: string;
  readonly expiresAtMs: number;
}

type Claims = Readonly<Record<string, unknown>>;

/** Throws TokenError. */
export function checkClaims(claims: Claims, rules: ClaimRules, nowMs: number): CheckedToken {
  const expiresAtMs = timeOf(claims, 'exp');
  if (expiresAtMs === null) throw new TokenError('the token has no exp claim');
  if (nowMs - rules.clockSkewMs >= expiresAtMs) throw new TokenError('the token has expired');
  const notBeforeMs = timeOf(claims, 'nbf');
  if (notBeforeMs !== null && nowMs + rules.clockSkewMs < notBeforeMs) throw new TokenError('the token is not valid yet');
  const issuedAtMs = timeOf(claims, 'iat');
  if (issuedAtMs === null && rules.needsIssuedAt) throw new TokenError('the token has no iat claim');
  if (issuedAtMs !== null && issuedAtMs >= expiresAtMs) throw new TokenError('the token expires before it is issued');
  if (rules.issuer !== null && claims['iss'] !== rules.issuer) throw new TokenError('the token is from another issuer');
  checkAudience(claims['aud'], rules.audience);
  checkScope(claims[rules.scopeClaimName], rules);
  const subject = claims[rules.subjectClaimName];
  if (typeof subject !== 'string' || subject.trim() === '') throw new TokenError(`the token has no ${rules.subjectClaimName} claim`);
  return { subject, expiresAtMs };
}

/** In milliseconds; null when it is not there. */
function timeOf(claims: Claims, name: string): number | null {
  const value = claims[name];
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 1e12) throw new TokenError(`the token's ${name} claim is no time`);
  return Math.floor(value * 1000);
}

function checkAudience(claim: unknown, wanted: readonly string[]): void {
  if (wanted.length === 0) return;
  const audiences: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  if (!audiences.some((audience) => wanted.includes(audience as string))) throw new TokenError('the token is for another audience');
}

/** A text parted by blanks, or a list of texts. */
function checkScope(claim: unknown, rules: ClaimRules): void {
  const isList = Array.isArray(claim) && claim.every((item) => typeof item === 'string');
  if (claim !== undefined && typeof claim !== 'string' && !isList) throw new TokenError(`the token's ${rules.scopeClaimName} claim is no scope`);
  const scope = new Set(typeof claim === 'string' ? claim.split(/\s+/) : isList ? (claim as string[]) : []);
  const missing = rules.requiredScope.find((item) => !scope.has(item));
  if (missing !== undefined) throw new TokenError('the token lacks a scope', missing);
}

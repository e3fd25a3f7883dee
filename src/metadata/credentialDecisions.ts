/** What a controller decides about SCRAM credentials and delegation tokens. Nothing here waits or keeps state. */
import { scramByCode, scramCredential } from '../base/sasl/scram.ts';
import { ErrorCode } from '../protocol/errors.ts';
import type { CredentialRecord, Credentials, DelegationToken } from './credentials.ts';
import type { MetadataRecord } from './records.ts';
import type { ChangeOutcome } from './types.ts';

export interface ScramDeletion {
  readonly user: string;
  readonly mechanism: number;
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

/** More would make replies and replay hold everything else up. */
const CREDENTIALS_MAX = 1_000_000;
const TOKENS_MAX = 100_000;
const SALT_BYTES_MAX = 1024;

const ok: ChangeOutcome = { code: ErrorCode.NONE, message: null };
const refused = (code: number, message: string | null = null): ChangeOutcome => ({ code, message });

/** Outcomes by user; `records` is added to for those that succeed. */
export function decideScram(credentials: Credentials, deletions: readonly ScramDeletion[], upsertions: readonly ScramUpsertion[], records: MetadataRecord[]): Map<string, ChangeOutcome> {
  const outcomes = new Map<string, ChangeOutcome>();
  const accepted = new Map<string, CredentialRecord>();
  const consider = (user: string, decide: () => ChangeOutcome | CredentialRecord): void => {
    if (outcomes.has(user)) {
      accepted.delete(user);
      outcomes.set(user, isRefusal(outcomes.get(user)) ? (outcomes.get(user) as ChangeOutcome) : refused(ErrorCode.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request'));
      return;
    }
    const decided = decide();
    if ('kind' in decided) accepted.set(user, decided);
    outcomes.set(user, 'kind' in decided ? ok : decided);
  };
  for (const deletion of deletions) consider(deletion.user, () => decideDeletion(credentials, deletion));
  for (const upsertion of upsertions) consider(upsertion.user, () => decideUpsertion(credentials, upsertion));
  for (const record of accepted.values()) records.push(record);
  return outcomes;
}

const isRefusal = (outcome: ChangeOutcome | undefined): boolean => outcome !== undefined && outcome.code !== ErrorCode.NONE;

function nameProblem({ user, mechanism }: ScramDeletion): ChangeOutcome | null {
  if (user === '') return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty');
  return scramByCode(mechanism) === undefined ? refused(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism') : null;
}

function decideDeletion(credentials: Credentials, deletion: ScramDeletion): ChangeOutcome | CredentialRecord {
  const problem = nameProblem(deletion);
  if (problem !== null) return problem;
  if (credentials.scram.get(deletion.user)?.has(deletion.mechanism) !== true) return refused(ErrorCode.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist');
  return { kind: 'removeScramCredential', user: deletion.user, mechanism: deletion.mechanism };
}

function decideUpsertion(credentials: Credentials, upsertion: ScramUpsertion): ChangeOutcome | CredentialRecord {
  const problem = nameProblem(upsertion);
  const mechanism = scramByCode(upsertion.mechanism);
  if (problem !== null || mechanism === undefined) return problem ?? refused(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
  const { user, iterations, salt, saltedPassword } = upsertion;
  if (iterations < mechanism.iterationsMin) return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too few iterations');
  if (iterations > mechanism.iterationsMax) return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too many iterations');
  if (salt.length === 0 || salt.length > SALT_BYTES_MAX) return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Salt has a wrong length');
  // Only keys made from it are kept, and Kafka takes any length: clients' tests send what no hash has.
  if (saltedPassword.length === 0) return refused(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Salted password must not be empty');
  if (!credentials.scram.has(user) && credentials.scram.size >= CREDENTIALS_MAX) return refused(ErrorCode.POLICY_VIOLATION, 'Too many users');
  return { kind: 'scramCredential', user, mechanism: mechanism.code, credential: scramCredential(mechanism, saltedPassword, Buffer.from(salt), iterations) };
}

export function decideNewToken(credentials: Credentials, token: DelegationToken, records: MetadataRecord[]): ChangeOutcome {
  if (credentials.tokens.size >= TOKENS_MAX) return refused(ErrorCode.POLICY_VIOLATION, 'Too many delegation tokens');
  records.push({ kind: 'delegationToken', token });
  return ok;
}

/** What somebody asks for a token: a later end, an earlier one, or (`periodMs` below 0) the end now. */
export interface TokenChange {
  readonly tokenId: string;
  readonly principal: string;
  readonly kind: 'renew' | 'expire';
  /** For `renew` 0 or less means `renewMsMax`. */
  readonly periodMs: number;
  readonly renewMsMax: number;
  readonly nowMs: number;
}

export interface TokenOutcome extends ChangeOutcome {
  readonly expiryTimestampMs: number;
}

export const isTokenExpired = ({ maxTimestampMs, expiryTimestampMs }: DelegationToken, nowMs: number): boolean => maxTimestampMs < nowMs || expiryTimestampMs < nowMs;

export function decideTokenChange(credentials: Credentials, change: TokenChange, records: MetadataRecord[]): TokenOutcome {
  const { tokenId, principal, kind, periodMs, renewMsMax, nowMs } = change;
  const token = credentials.tokens.get(tokenId);
  const failed = (code: number): TokenOutcome => ({ code, message: null, expiryTimestampMs: 0 });
  if (token === undefined) return failed(ErrorCode.DELEGATION_TOKEN_NOT_FOUND);
  if (isTokenExpired(token, nowMs)) return failed(ErrorCode.DELEGATION_TOKEN_EXPIRED);
  if (token.owner !== principal && !token.renewers.includes(principal)) return failed(ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH);
  if (kind === 'expire' && periodMs < 0) {
    records.push({ kind: 'removeDelegationToken', tokenId });
    return { ...ok, expiryTimestampMs: periodMs };
  }
  const lifeMs = kind === 'renew' ? (periodMs > 0 ? Math.min(periodMs, renewMsMax) : renewMsMax) : periodMs;
  const expiryTimestampMs = Math.min(token.maxTimestampMs, nowMs + lifeMs);
  records.push({ kind: 'delegationToken', token: { ...token, expiryTimestampMs } });
  return { ...ok, expiryTimestampMs };
}

/** Tokens past their time are forgotten. */
export function decideTokenSweep(credentials: Credentials, nowMs: number, records: MetadataRecord[]): void {
  for (const token of credentials.tokens.values()) {
    if (isTokenExpired(token, nowMs)) records.push({ kind: 'removeDelegationToken', tokenId: token.tokenId });
  }
}

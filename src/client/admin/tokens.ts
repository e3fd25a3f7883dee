import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatableRenewers, makeCreateDelegationTokenRequest, readCreateDelegationTokenResponse, writeCreateDelegationTokenRequest } from '../../protocol/generated/createDelegationToken.ts';
import { makeDescribeDelegationTokenOwner, makeDescribeDelegationTokenRequest, readDescribeDelegationTokenResponse, writeDescribeDelegationTokenRequest } from '../../protocol/generated/describeDelegationToken.ts';
import { makeExpireDelegationTokenRequest, readExpireDelegationTokenResponse, writeExpireDelegationTokenRequest } from '../../protocol/generated/expireDelegationToken.ts';
import { makeRenewDelegationTokenRequest, readRenewDelegationTokenResponse, writeRenewDelegationTokenRequest } from '../../protocol/generated/renewDelegationToken.ts';
import { throwOnError } from '../../protocol/errors.ts';
import type { ClientApi } from '../core/clientApi.ts';
import type { Cluster } from '../core/cluster.ts';

const createTokenApi = { apiKey: ApiKey.CreateDelegationToken, versionMax: 3, write: writeCreateDelegationTokenRequest, read: readCreateDelegationTokenResponse } as const;
const renewTokenApi = { apiKey: ApiKey.RenewDelegationToken, versionMax: 2, write: writeRenewDelegationTokenRequest, read: readRenewDelegationTokenResponse } as const;
const expireTokenApi = { apiKey: ApiKey.ExpireDelegationToken, versionMax: 2, write: writeExpireDelegationTokenRequest, read: readExpireDelegationTokenResponse } as const;
const describeTokenApi = { apiKey: ApiKey.DescribeDelegationToken, versionMax: 3, write: writeDescribeDelegationTokenRequest, read: readDescribeDelegationTokenResponse } as const;
const OWNER_VERSION = 3;

export interface Principal {
  readonly type: string;
  readonly name: string;
}

export interface DelegationToken {
  readonly tokenId: string;
  readonly owner: Principal;
  readonly requester: Principal;
  readonly renewers: readonly Principal[];
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly expiresMaxMs: number;
  /** The token's secret. */
  readonly hmac: Buffer;
}

export interface TokenRequest {
  /** null: who asks. */
  readonly owner?: Principal | null;
  readonly renewers?: readonly Principal[];
  /** -1: as long as the broker allows. */
  readonly lifetimeMaxMs?: number;
}

export async function createDelegationToken(cluster: Cluster, { owner = null, renewers = [], lifetimeMaxMs = -1 }: TokenRequest = {}): Promise<DelegationToken> {
  const body = makeCreateDelegationTokenRequest({
    ownerPrincipalType: owner?.type ?? null, ownerPrincipalName: owner?.name ?? null, maxLifetimeMs: lifetimeMaxMs,
    renewers: renewers.map(({ type, name }) => makeCreatableRenewers({ principalType: type, principalName: name })),
  });
  const answer = await ask(cluster, createTokenApi, body, owner === null ? 0 : OWNER_VERSION);
  throwOnError(answer.errorCode);
  const named = { type: answer.principalType, name: answer.principalName };
  const requester = answer.tokenRequesterPrincipalType === '' ? named : { type: answer.tokenRequesterPrincipalType, name: answer.tokenRequesterPrincipalName };
  return { tokenId: answer.tokenId, owner: named, requester, renewers, issuedMs: answer.issueTimestampMs, expiresMs: answer.expiryTimestampMs, expiresMaxMs: answer.maxTimestampMs, hmac: answer.hmac };
}

/** Returns when the token expires now, in milliseconds. */
export async function renewDelegationToken(cluster: Cluster, hmac: Buffer, renewPeriodMs = -1): Promise<number> {
  const answer = await ask(cluster, renewTokenApi, makeRenewDelegationTokenRequest({ hmac, renewPeriodMs }));
  throwOnError(answer.errorCode);
  return answer.expiryTimestampMs;
}

/** A period below 0 expires the token at once. Returns when it expires. */
export async function expireDelegationToken(cluster: Cluster, hmac: Buffer, expiryTimePeriodMs = -1): Promise<number> {
  const answer = await ask(cluster, expireTokenApi, makeExpireDelegationTokenRequest({ hmac, expiryTimePeriodMs }));
  throwOnError(answer.errorCode);
  return answer.expiryTimestampMs;
}

/** Tokens of these owners; null: all that the caller may see. */
export async function describeDelegationTokens(cluster: Cluster, owners: readonly Principal[] | null = null): Promise<DelegationToken[]> {
  const body = makeDescribeDelegationTokenRequest({ owners: owners?.map(({ type, name }) => makeDescribeDelegationTokenOwner({ principalType: type, principalName: name })) ?? null });
  const answer = await ask(cluster, describeTokenApi, body);
  throwOnError(answer.errorCode);
  return answer.tokens.map((token) => ({
    tokenId: token.tokenId, owner: { type: token.principalType, name: token.principalName }, requester: { type: token.tokenRequesterPrincipalType, name: token.tokenRequesterPrincipalName },
    renewers: token.renewers.map(({ principalType, principalName }) => ({ type: principalType, name: principalName })),
    issuedMs: token.issueTimestamp, expiresMs: token.expiryTimestamp, expiresMaxMs: token.maxTimestamp, hmac: token.hmac,
  }));
}

function ask<Request, Response>(cluster: Cluster, api: ClientApi<Request, Response>, body: Request, versionMin = 0): Promise<Response> {
  return cluster.retrying(async () => {
    const connection = await cluster.anyConnection();
    return connection.request(api, body, { version: connection.versionOf(api, versionMin) });
  });
}

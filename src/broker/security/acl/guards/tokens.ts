/** Delegation tokens: making one for somebody else, and seeing those of others. Renewing and ending them is for owner and renewers, whatever the lists say. */
import { AclOperation, ResourceType } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { CreateDelegationTokenRequest } from '../../../../protocol/generated/createDelegationToken.ts';
import type { DescribeDelegationTokenRequest, DescribeDelegationTokenResponse, DescribedDelegationToken } from '../../../../protocol/generated/describeDelegationToken.ts';
import { guardOf } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { createTokens, describe, describeTokens } = AclOperation;

interface Named {
  readonly principalType: string;
  readonly principalName: string;
}

const principalOf = ({ principalType, principalName }: Named): string => `${principalType}:${principalName}`;

function create({ ownerPrincipalType, ownerPrincipalName }: CreateDelegationTokenRequest, { caller, access }: GuardCall): { readonly refusal: number } | null {
  if (ownerPrincipalName === null || ownerPrincipalName === '') return null;
  const owner = `${ownerPrincipalType ?? 'User'}:${ownerPrincipalName}`;
  if (owner === caller.connection.principal || access.allows(caller.connection, createTokens, ResourceType.user, owner)) return null;
  return { refusal: ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED };
}

function describeAll(_request: DescribeDelegationTokenRequest, call: GuardCall): Verdict<DescribeDelegationTokenRequest, DescribeDelegationTokenResponse> | null {
  return { finish: (response) => void (response.tokens = response.tokens.filter((token) => isShown(token, call))) };
}

function isShown(token: DescribedDelegationToken, { caller: { connection }, access }: GuardCall): boolean {
  const owner = principalOf(token);
  const isOwn = owner === connection.principal || token.renewers.some((renewer) => principalOf(renewer) === connection.principal);
  return isOwn || access.allows(connection, describe, ResourceType.delegationToken, token.tokenId) || access.allows(connection, describeTokens, ResourceType.user, owner);
}

export const tokenGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.CreateDelegationToken, create),
  guardOf(ApiKey.DescribeDelegationToken, describeAll),
];

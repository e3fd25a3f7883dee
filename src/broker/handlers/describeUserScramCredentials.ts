/** DescribeUserScramCredentials (50), version 0. Neither salts nor keys are told. */
import type { Credentials } from '../../metadata/index.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeUserScramCredentialsResponse, readDescribeUserScramCredentialsRequest, writeDescribeUserScramCredentialsResponse } from '../../protocol/generated/describeUserScramCredentials.ts';
import type { DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse, DescribeUserScramCredentialsResult } from '../../protocol/generated/describeUserScramCredentials.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const describeUserScramCredentialsHandler: ApiHandler<BrokerServices, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse> = {
  ...spanOf(ApiKey.DescribeUserScramCredentials),
  read: readDescribeUserScramCredentialsRequest,
  write: writeDescribeUserScramCredentialsResponse,
  handle({ users }, context, services) {
    const { credentials } = services.metadata.image;
    const asked = users === null || users.length === 0 ? [...credentials.scram.keys()] : users.map(({ name }) => name);
    const counts = new Map<string, number>();
    for (const user of asked) counts.set(user, (counts.get(user) ?? 0) + 1);
    const results = [...counts].map(([user, count]) => describe(credentials, user, count > 1));
    context.reply(makeDescribeUserScramCredentialsResponse({ errorMessage: null, results }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeDescribeUserScramCredentialsResponse({ errorCode, errorMessage }),
};

function describe({ scram }: Credentials, user: string, isRepeated: boolean): DescribeUserScramCredentialsResult {
  const failed = (errorCode: number, errorMessage: string): DescribeUserScramCredentialsResult => ({ user, errorCode, errorMessage, credentialInfos: [] });
  if (isRepeated) return failed(ErrorCode.DUPLICATE_RESOURCE, `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`);
  const known = scram.get(user);
  if (known === undefined) return failed(ErrorCode.RESOURCE_NOT_FOUND, `Attempt to describe a user credential that does not exist: ${user}`);
  const credentialInfos = [...known].map(([mechanism, { iterations }]) => ({ mechanism, iterations }));
  return { user, errorCode: ErrorCode.NONE, errorMessage: null, credentialInfos };
}

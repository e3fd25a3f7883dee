/** AlterUserScramCredentials (51), version 0. */
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readAlterUserScramCredentialsRequest, writeAlterUserScramCredentialsResponse } from '../../protocol/generated/alterUserScramCredentials.ts';
import type { AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse } from '../../protocol/generated/alterUserScramCredentials.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const alterUserScramCredentialsHandler: ApiHandler<BrokerServices, AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse> = {
  ...spanOf(ApiKey.AlterUserScramCredentials),
  read: readAlterUserScramCredentialsRequest,
  write: writeAlterUserScramCredentialsResponse,
  async handle(request, context, services) {
    const deletions = request.deletions.map(({ name, mechanism }) => ({ user: name, mechanism }));
    const upsertions = request.upsertions.map(({ name, ...rest }) => ({ ...rest, user: name }));
    const outcomes = await services.metadata.controller.alterScramCredentials(deletions, upsertions);
    const results = [...outcomes].map(([user, { code, message }]) => ({ user, errorCode: code, errorMessage: message }));
    context.reply({ throttleTimeMs: 0, results });
  },
  errorResponse: (request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    results: [...new Set([...request.deletions, ...request.upsertions].map(({ name }) => name))].map((user) => ({ user, errorCode, errorMessage })),
  }),
};

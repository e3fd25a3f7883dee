/** AlterClientQuotas (49), versions 0 and 1. */
import type { ChangeOutcome } from '../../metadata/types.ts';
import { readAlterClientQuotasRequest, writeAlterClientQuotasResponse } from '../../protocol/generated/alterClientQuotas.ts';
import type {
  AlterClientQuotasRequest, AlterClientQuotasRequestEntryData, AlterClientQuotasResponse, AlterClientQuotasResponseEntryData,
} from '../../protocol/generated/alterClientQuotas.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import type { ApiHandler } from '../contract.ts';
import { inTypeOrder } from '../quotas/answerOrder.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const alterClientQuotasHandler: ApiHandler<BrokerServices, AlterClientQuotasRequest, AlterClientQuotasResponse> = {
  ...spanOf(ApiKey.AlterClientQuotas),
  read: readAlterClientQuotasRequest,
  write: writeAlterClientQuotasResponse,
  async handle(request, context, services) {
    const alterations = request.entries.map(({ entity, ops }) => ({
      entity: entity.map(({ entityType, entityName }) => [entityType, entityName] as const),
      changes: ops.map(({ key, value, remove }) => ({ key, value: remove ? null : value })),
    }));
    const outcomes = await services.metadata.controller.alterClientQuotas(alterations, request.validateOnly);
    context.reply({ throttleTimeMs: 0, entries: request.entries.map((entry, index) => result(entry, outcomes[index]!)) });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, entries: request.entries.map((entry) => result(entry, { code, message })) }),
};

function result({ entity }: AlterClientQuotasRequestEntryData, { code, message }: ChangeOutcome): AlterClientQuotasResponseEntryData {
  return { errorCode: code, errorMessage: message, entity: inTypeOrder(entity.map(({ entityType, entityName }) => [entityType, entityName])) };
}

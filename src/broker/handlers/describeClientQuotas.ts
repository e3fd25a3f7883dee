/** DescribeClientQuotas (48), versions 0 and 1. */
import { matchesQuotaFilter, QuotaEntityType } from '../../metadata/clientQuotas.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readDescribeClientQuotasRequest, writeDescribeClientQuotasResponse } from '../../protocol/generated/describeClientQuotas.ts';
import type { ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse, EntryData } from '../../protocol/generated/describeClientQuotas.ts';
import type { ApiHandler } from '../contract.ts';
import { inKeyOrder, inTypeOrder } from '../quotas/answerOrder.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const MatchType = { exact: 0, default: 1, specified: 2 } as const;

export const describeClientQuotasHandler: ApiHandler<BrokerServices, DescribeClientQuotasRequest, DescribeClientQuotasResponse> = {
  ...spanOf(ApiKey.DescribeClientQuotas),
  read: readDescribeClientQuotasRequest,
  write: writeDescribeClientQuotasResponse,
  handle(request, context, services) {
    const filter = filterOf(request.components);
    const entries: EntryData[] = [];
    for (const { entity, values } of services.metadata.image.clientQuotas.entries()) {
      if (!matchesQuotaFilter(filter, request.strict, entity)) continue;
      entries.push({ entity: inTypeOrder(entity), values: inKeyOrder(values) });
    }
    context.reply({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, entries });
  },
  errorResponse: (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage, entries: null }),
};

const invalid = (message: string): KafkaError => new KafkaError(ErrorCode.INVALID_REQUEST, message);

/** Throws KafkaError for what is no filter. */
function filterOf(components: readonly ComponentData[]): Map<string, string | null | undefined> {
  const filter = new Map<string, string | null | undefined>();
  for (const component of components) {
    const { entityType } = component;
    if (entityType === '') throw invalid('Invalid empty entity type.');
    if (filter.has(entityType)) throw invalid(`Entity type ${entityType} cannot appear more than once in the filter.`);
    if (!(Object.values(QuotaEntityType) as string[]).includes(entityType)) throw new KafkaError(ErrorCode.UNSUPPORTED_VERSION, `Unsupported entity type ${entityType}`);
    filter.set(entityType, nameOf(component));
  }
  if (filter.has(QuotaEntityType.ip) && filter.size > 1) {
    throw invalid('Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.');
  }
  return filter;
}

/** As `QuotaFilter` has it: null is the default, undefined any name. */
function nameOf({ matchType, match }: ComponentData): string | null | undefined {
  if (matchType === MatchType.exact) {
    if (match === null) throw invalid('Request specified MATCH_TYPE_EXACT, but set match string to null.');
    return match;
  }
  if (matchType !== MatchType.default && matchType !== MatchType.specified) throw invalid(`Unknown match type ${matchType}`);
  if (match !== null) throw invalid(`Request specified MATCH_TYPE_${matchType === MatchType.default ? 'DEFAULT' : 'SPECIFIED'}, but also specified a match string.`);
  return matchType === MatchType.default ? null : undefined;
}

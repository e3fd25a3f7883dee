/** FindCoordinator (10), versions 0 to 6. Makes the coordinator's topic on first use. */
import { definite } from '../../base/assert.ts';
import { CONSUMER_OFFSETS_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC } from '../../metadata/topicNames.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFindCoordinatorResponse, readFindCoordinatorRequest, writeFindCoordinatorResponse } from '../../protocol/generated/findCoordinator.ts';
import type { Coordinator, FindCoordinatorRequest, FindCoordinatorResponse } from '../../protocol/generated/findCoordinator.ts';
import type { ApiHandler, RequestContext } from '../contract.ts';
import { errorCodeOf } from '../errorMapping.ts';
import { endpointOf } from '../services.ts';
import { sharePartitionKeyOf } from '../share/coordinator/records.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const KeyType = { group: 0, transaction: 1, share: 2 } as const;
const FIRST_VERSION_WITH_MANY_KEYS = 4;

export const findCoordinatorHandler: ApiHandler<BrokerServices, FindCoordinatorRequest, FindCoordinatorResponse> = {
  ...spanOf(ApiKey.FindCoordinator),
  read: readFindCoordinatorRequest,
  write: writeFindCoordinatorResponse,
  async handle(request, context, services) {
    const keys = context.apiVersion >= FIRST_VERSION_WITH_MANY_KEYS ? request.coordinatorKeys : [request.key];
    const { keyType } = request;
    const refused = typeError(keyType, context.apiVersion);
    if (refused === ErrorCode.NONE && keys.length > 0) await ensureTopic(services, topicOf(keyType));
    const coordinators = keys.map((key) => (refused === ErrorCode.NONE ? locate(key, keyType, context, services) : notFound(key, refused, TYPE_MESSAGE)));
    context.reply(response(coordinators, context.apiVersion));
  },
  errorResponse: (request, errorCode, message, version) => {
    const keys = version >= FIRST_VERSION_WITH_MANY_KEYS ? request.coordinatorKeys : [request.key];
    return response(keys.map((key) => notFound(key, errorCode, message)), version);
  },
};

const TYPE_MESSAGE = 'There is no coordinator of this type; that of share groups is asked for since version 6 of the request';
const FIRST_VERSION_WITH_SHARE = 6;
const TOPICS: ReadonlyMap<number, string> = new Map([
  [KeyType.group, CONSUMER_OFFSETS_TOPIC], [KeyType.transaction, TRANSACTION_STATE_TOPIC], [KeyType.share, SHARE_GROUP_STATE_TOPIC],
]);

function typeError(keyType: number, version: number): number {
  return !TOPICS.has(keyType) || (keyType === KeyType.share && version < FIRST_VERSION_WITH_SHARE) ? ErrorCode.INVALID_REQUEST : ErrorCode.NONE;
}

const topicOf = (keyType: number): string => definite(TOPICS.get(keyType), 'the topic of a coordinator');

/** Null: no key of that type. */
function partitionOf(key: string, keyType: number, services: BrokerServices): number | null {
  if (keyType === KeyType.group) return services.groupCoordinator.partitionFor(key);
  if (keyType === KeyType.transaction) return services.transactions.coordinator.partitionFor(key);
  const shareKey = sharePartitionKeyOf(key);
  return shareKey === null ? null : services.share.coordinator.partitionFor(shareKey);
}

/** Waits for the topic's logs also where they are being made already: a client that joins before would be sent away. A failure shows as a topic that is not there, which clients ask for again. */
async function ensureTopic(services: BrokerServices, topic: string): Promise<void> {
  try {
    const { code, message } = await services.topicCreation.ensure(topic);
    if (code !== ErrorCode.NONE) services.logger.error('the topic of a coordinator cannot be made', { topic, error: errorName(code), message });
  } catch (error) {
    services.logger.error('the topic of a coordinator cannot be made', { topic, error: errorName(errorCodeOf(error)), reason: String(error) });
  }
}

function locate(key: string, keyType: number, context: RequestContext<FindCoordinatorResponse>, services: BrokerServices): Coordinator {
  const index = partitionOf(key, keyType, services);
  if (index === null) return notFound(key, ErrorCode.INVALID_REQUEST, 'The key of a share partition is groupId:topicId:partition');
  const partition = services.metadata.image.topicsByName.get(topicOf(keyType))?.partitions[index];
  const broker = services.metadata.image.brokers.get(partition?.leader ?? -1);
  const endpoint = endpointOf(broker, context.connection.listenerName);
  if (broker === undefined || endpoint === undefined) return notFound(key, ErrorCode.COORDINATOR_NOT_AVAILABLE, null);
  return { key, nodeId: broker.id, host: endpoint.host, port: endpoint.port, errorCode: ErrorCode.NONE, errorMessage: null };
}

const notFound = (key: string, errorCode: number, errorMessage: string | null): Coordinator =>
  ({ key, nodeId: -1, host: '', port: -1, errorCode, errorMessage });

function response(coordinators: Coordinator[], version: number): FindCoordinatorResponse {
  if (version >= FIRST_VERSION_WITH_MANY_KEYS) return makeFindCoordinatorResponse({ coordinators });
  const { nodeId, host, port, errorCode, errorMessage } = coordinators[0]!;
  return makeFindCoordinatorResponse({ nodeId, host, port, errorCode, errorMessage });
}

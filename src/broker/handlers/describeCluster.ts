/** DescribeCluster (60), versions 0 to 2. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeClusterResponse, readDescribeClusterRequest, writeDescribeClusterResponse } from '../../protocol/generated/describeCluster.ts';
import type { DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse } from '../../protocol/generated/describeCluster.ts';
import type { ApiHandler } from '../contract.ts';
import { allClusterOperations } from '../operations.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const BROKERS = 1;
const CONTROLLERS = 2;
const NO_OPERATIONS = -2147483648;

export const describeClusterHandler: ApiHandler<BrokerServices, DescribeClusterRequest, DescribeClusterResponse> = {
  ...spanOf(ApiKey.DescribeCluster),
  read: readDescribeClusterRequest,
  write: writeDescribeClusterResponse,
  handle(request, context, services) {
    if (request.endpointType !== BROKERS) return context.reply(wrongEndpoint(request.endpointType));
    const { image } = services.metadata;
    const brokers: DescribeClusterBroker[] = [];
    for (const broker of image.brokers.values()) {
      const endpoint = broker.endpoints.find(({ listener }) => listener === context.connection.listenerName);
      if (endpoint === undefined || (broker.fenced && !request.includeFencedBrokers)) continue;
      brokers.push({ brokerId: broker.id, host: endpoint.host, port: endpoint.port, rack: broker.rack, isFenced: broker.fenced });
    }
    context.reply(makeDescribeClusterResponse({
      clusterId: image.clusterId,
      controllerId: image.controllerId,
      brokers,
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? allClusterOperations : NO_OPERATIONS,
    }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeDescribeClusterResponse({ errorCode, errorMessage }),
};

function wrongEndpoint(endpointType: number): DescribeClusterResponse {
  const isKnown = endpointType === CONTROLLERS;
  return makeDescribeClusterResponse({
    errorCode: isKnown ? ErrorCode.MISMATCHED_ENDPOINT_TYPE : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
    errorMessage: isKnown
      ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
      : `Unsupported endpoint type ${endpointType}`,
  });
}

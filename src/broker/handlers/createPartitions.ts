/** CreatePartitions (37), versions 0 to 3. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeCreatePartitionsTopicResult, readCreatePartitionsRequest, writeCreatePartitionsResponse } from '../../protocol/generated/createPartitions.ts';
import type { CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic, CreatePartitionsTopicResult } from '../../protocol/generated/createPartitions.ts';
import { mapBounded } from '../bounded.ts';
import type { ApiHandler } from '../contract.ts';
import { splitByName } from './repeatedNames.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const createPartitionsHandler: ApiHandler<BrokerServices, CreatePartitionsRequest, CreatePartitionsResponse> = {
  ...spanOf(ApiKey.CreatePartitions),
  read: readCreatePartitionsRequest,
  write: writeCreatePartitionsResponse,
  async handle(request, context, services) {
    const { unique, repeated } = splitByName(request.topics);
    const results = await mapBounded(unique, (topic) => createFor(topic, request.validateOnly, services));
    for (const name of repeated) results.push(makeCreatePartitionsTopicResult({ name, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: 'Duplicate topic name.' }));
    context.reply({ throttleTimeMs: 0, results });
  },
  errorResponse: (request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    results: request.topics.map(({ name }) => makeCreatePartitionsTopicResult({ name, errorCode, errorMessage })),
  }),
};

async function createFor(topic: CreatePartitionsTopic, validateOnly: boolean, services: BrokerServices): Promise<CreatePartitionsTopicResult> {
  const assignments = topic.assignments?.map(({ brokerIds }) => brokerIds) ?? [];
  const { code, message } = await services.metadata.controller.createPartitions(topic.name, topic.count, assignments, validateOnly);
  if (code === ErrorCode.NONE && !validateOnly) await services.partitions.whenSettled(topic.name);
  return makeCreatePartitionsTopicResult({ name: topic.name, errorCode: code, errorMessage: message });
}

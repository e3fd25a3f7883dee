/** Everything this broker serves. */
import type { Served } from './dispatch.ts';
import { apiVersionsHandler } from './handlers/apiVersions.ts';
import { createTopicsHandler } from './handlers/createTopics.ts';
import { fetchHandler } from './handlers/fetch.ts';
import { listOffsetsHandler } from './handlers/listOffsets.ts';
import { metadataHandler } from './handlers/metadata.ts';
import { produceHandler } from './handlers/produce.ts';
import type { BrokerServices } from './services.ts';

export function servedHandlers(services: BrokerServices): Served[] {
  const own = [produceHandler, fetchHandler, listOffsetsHandler, metadataHandler, apiVersionsHandler, createTopicsHandler];
  return own.map((handler) => ({ handler, services }));
}

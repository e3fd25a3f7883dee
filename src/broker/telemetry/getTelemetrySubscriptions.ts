/** GetTelemetrySubscriptions (71), version 0. */
import { Codec } from '../../record/batchHeader.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeGetTelemetrySubscriptionsResponse, readGetTelemetrySubscriptionsRequest, writeGetTelemetrySubscriptionsResponse,
} from '../../protocol/generated/getTelemetrySubscriptions.ts';
import type { GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse } from '../../protocol/generated/getTelemetrySubscriptions.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { traitsOf } from './telemetry.ts';

/** In the order in which we would have them. */
const ACCEPTED = [Codec.zstd, Codec.lz4, Codec.gzip, Codec.snappy];

export const getTelemetrySubscriptionsHandler: ApiHandler<BrokerServices, GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse> = {
  ...spanOf(ApiKey.GetTelemetrySubscriptions),
  read: readGetTelemetrySubscriptionsRequest,
  write: writeGetTelemetrySubscriptionsResponse,
  handle(request, context, { telemetry, config }) {
    const clientInstanceId = request.clientInstanceId === zeroUuid ? telemetry.newInstanceId() : request.clientInstanceId;
    const wanted = telemetry.subscribe(traitsOf(context, clientInstanceId));
    if (typeof wanted === 'number') return context.reply(makeGetTelemetrySubscriptionsResponse({ errorCode: wanted }));
    context.reply(makeGetTelemetrySubscriptionsResponse({
      clientInstanceId,
      subscriptionId: wanted.subscriptionId,
      acceptedCompressionTypes: [...ACCEPTED],
      pushIntervalMs: wanted.intervalMs,
      telemetryMaxBytes: config.telemetryMaxBytes,
      deltaTemporality: true,
      requestedMetrics: [...wanted.metrics],
    }));
  },
  errorResponse: (_request, errorCode) => makeGetTelemetrySubscriptionsResponse({ errorCode }),
};

/** PushTelemetry (72), version 0. */
import { Codec } from '../../record/batchHeader.ts';
import { inflate } from '../../record/codecs.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makePushTelemetryResponse, readPushTelemetryRequest, writePushTelemetryResponse } from '../../protocol/generated/pushTelemetry.ts';
import type { PushTelemetryRequest, PushTelemetryResponse } from '../../protocol/generated/pushTelemetry.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { decodeMetrics } from './otlp.ts';
import { POINTS_MAX, traitsOf } from './telemetry.ts';

/** What `telemetry.max.bytes` of numbers with long names become at most. */
const INFLATION_MAX = 10;
const LAST_CODEC = Codec.zstd;

export const pushTelemetryHandler: ApiHandler<BrokerServices, PushTelemetryRequest, PushTelemetryResponse> = {
  ...spanOf(ApiKey.PushTelemetry),
  read: readPushTelemetryRequest,
  write: writePushTelemetryResponse,
  async handle(request, context, services) {
    const { clientInstanceId, subscriptionId, terminating, compressionType, metrics } = request;
    const { telemetry, config } = services;
    const answer = (errorCode: number): void => context.reply(makePushTelemetryResponse({ errorCode }));
    const refusal = telemetry.admitPush(traitsOf(context, clientInstanceId), subscriptionId, terminating);
    if (refusal !== ErrorCode.NONE) return answer(refusal);
    if (compressionType < Codec.none || compressionType > LAST_CODEC) return answer(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
    if (metrics.length > config.telemetryMaxBytes) return answer(ErrorCode.TELEMETRY_TOO_LARGE);
    try {
      const bytes = compressionType === Codec.none ? metrics : inflate(compressionType, metrics, config.telemetryMaxBytes * INFLATION_MAX);
      telemetry.take(clientInstanceId, await decodeMetrics(bytes, POINTS_MAX));
    } catch {
      return answer(ErrorCode.INVALID_RECORD);
    }
    answer(ErrorCode.NONE);
  },
  errorResponse: (_request, errorCode) => makePushTelemetryResponse({ errorCode }),
};

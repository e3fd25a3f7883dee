/** ApiVersions (18), versions 0 to 4. Tells exactly what this broker serves. */
import { apiSpec } from '../../protocol/framing.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeApiVersion, makeApiVersionsResponse, makeFinalizedFeatureKey, makeSupportedFeatureKey, readApiVersionsRequest, writeApiVersionsResponse } from '../../protocol/generated/apiVersions.ts';
import type { ApiVersion, ApiVersionsRequest, ApiVersionsResponse } from '../../protocol/generated/apiVersions.ts';
import type { ApiHandler } from '../contract.ts';
import { featuresOffered, finalizedFeatures } from '../features.ts';
import type { BrokerServices, ServedApi } from '../services.ts';
import { spanOf } from '../spec.ts';

/** Kafka's own rule for what a client may call itself. */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const FIRST_VERSION_WITH_SOFTWARE = 3;

export const apiVersionsHandler: ApiHandler<BrokerServices, ApiVersionsRequest, ApiVersionsResponse> = {
  ...spanOf(ApiKey.ApiVersions),
  read: readApiVersionsRequest,
  write: writeApiVersionsResponse,
  handle(request, context, services) {
    if (context.apiVersion >= FIRST_VERSION_WITH_SOFTWARE) {
      if (!SOFTWARE_NAME.test(request.clientSoftwareName) || !SOFTWARE_NAME.test(request.clientSoftwareVersion)) {
        context.connection.login?.versionsRefused();
        context.reply(makeApiVersionsResponse({ errorCode: ErrorCode.INVALID_REQUEST }));
        return;
      }
      context.connection.setClientSoftware(request.clientSoftwareName, request.clientSoftwareVersion);
    }
    const { image } = services.metadata;
    const finalized = finalizedFeatures(image);
    context.reply(makeApiVersionsResponse({
      apiKeys: services.servedApis.map(advertised),
      supportedFeatures: featuresOffered(services.config.layers).map(({ name, minVersion, maxVersion }) => makeSupportedFeatureKey({ name, minVersion, maxVersion })),
      finalizedFeaturesEpoch: finalized.size > 0 ? image.version : -1,
      finalizedFeatures: [...finalized].map(([name, level]) => makeFinalizedFeatureKey({ name, maxVersionLevel: level, minVersionLevel: level })),
    }));
  },
  errorResponse: (_request, errorCode) => makeApiVersionsResponse({
    errorCode,
    // A client that asked in a version of the future learns which one to ask in.
    apiKeys: errorCode === ErrorCode.UNSUPPORTED_VERSION ? [makeApiVersion(spanAdvertised(ApiKey.ApiVersions))] : [],
  }),
};

function spanAdvertised(apiKey: number): ApiVersion {
  const { minVersion, maxVersion } = spanOf(apiKey);
  return makeApiVersion({ apiKey, minVersion, maxVersion });
}

/** Some clients ask for a Produce version that no longer is: Kafka advertises it, and so do we. */
function advertised(api: ServedApi): ApiVersion {
  const spec = apiSpec(api.apiKey);
  const minVersion = spec === undefined ? api.minVersion : Math.min(spec.advertisedMin, api.minVersion);
  return makeApiVersion({ apiKey: api.apiKey, minVersion, maxVersion: api.maxVersion });
}

/** UpdateFeatures (57), versions 0 to 2. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeUpdateFeaturesResponse, readUpdateFeaturesRequest, writeUpdateFeaturesResponse } from '../../protocol/generated/updateFeatures.ts';
import type { FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse } from '../../protocol/generated/updateFeatures.ts';
import { FeatureUpgradeType } from '../../metadata/featureDecisions.ts';
import type { ApiHandler } from '../contract.ts';
import { featuresOffered } from '../features.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const LAST_VERSION_WITH_RESULTS = 1;

export const updateFeaturesHandler: ApiHandler<BrokerServices, UpdateFeaturesRequest, UpdateFeaturesResponse> = {
  ...spanOf(ApiKey.UpdateFeatures),
  read: readUpdateFeaturesRequest,
  write: writeUpdateFeaturesResponse,
  async handle(request, context, services) {
    const updates = request.featureUpdates.map((update) => ({
      name: update.feature, level: update.maxVersionLevel, upgradeType: context.apiVersion === 0 ? typeOfVersion0(update) : update.upgradeType,
    }));
    const { code, message } = await services.metadata.controller.updateFeatures(featuresOffered(services.config.layers), updates, context.apiVersion > 0 && request.validateOnly);
    if (code !== ErrorCode.NONE) return context.reply(makeUpdateFeaturesResponse({ errorCode: code, errorMessage: message }));
    const results = context.apiVersion > LAST_VERSION_WITH_RESULTS ? [] : request.featureUpdates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: 'NONE' }));
    context.reply(makeUpdateFeaturesResponse({ errorMessage: null, results }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeUpdateFeaturesResponse({ errorCode, errorMessage }),
};

const typeOfVersion0 = ({ allowDowngrade }: FeatureUpdateKey): number => (allowDowngrade ? FeatureUpgradeType.safeDowngrade : FeatureUpgradeType.upgrade);

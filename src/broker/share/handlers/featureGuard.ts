import { ErrorCode } from '../../../protocol/errors.ts';
import type { ApiHandler } from '../../contract.ts';
import { featureLevel, SHARE_VERSION } from '../../features.ts';
import type { BrokerServices } from '../../services.ts';

/** The handler as it is while the cluster works with share groups, and a refusal when share.version was set to 0. */
export function whileEnabled<Request, Response>(handler: ApiHandler<BrokerServices, Request, Response>): ApiHandler<BrokerServices, Request, Response> {
  return {
    ...handler,
    handle(request, context, services) {
      if (featureLevel(services.metadata.image, SHARE_VERSION) > 0) return handler.handle(request, context, services);
      context.reply(handler.errorResponse(request, ErrorCode.UNSUPPORTED_VERSION, null, context.apiVersion));
    },
  };
}

/** What limits connections: settings of the broker and its listeners, quotas of addresses, the files that the process may have. */
import { canonicalAddress } from '../base/ipAddress.ts';
import type { Broker } from '../broker/index.ts';
import { quotaConfig } from '../config/accessConfig.ts';
import { listenerConnectionLimits, maxConnectionCreationRate, protectedListener } from '../config/connectionLimits.ts';
import { QuotaEntityType, QuotaKey } from '../metadata/index.ts';
import type { ConnectionLimits } from '../server/index.ts';

export function connectionLimits(broker: Broker, openMax: number): ConnectionLimits {
  const { services } = broker;
  const { windows, windowMs } = quotaConfig(services.config.layers.static);
  return {
    windows,
    windowMs,
    openMax,
    get maxCreationRate(): number {
      return maxConnectionCreationRate(services.config.layers);
    },
    protectedListener: protectedListener(services.config.layers, services.config.listeners),
    ofListener: (name) => listenerConnectionLimits(services.config.layers, name),
    creationRateOf(address) {
      const { clientQuotas } = services.metadata.image;
      if (clientQuotas.version === 0) return Infinity;
      const rateOf = (name: string | null): number | undefined =>
        clientQuotas.valuesOf(new Map([[QuotaEntityType.ip, name]]))?.get(QuotaKey.connectionCreationRate);
      return rateOf(canonicalAddress(address)) ?? rateOf(address) ?? rateOf(null) ?? Infinity;
    },
  };
}

import { ConfigError } from '../../../config/configError.ts';
import { brokerValue } from '../../../config/layers.ts';
import type { BrokerConfig } from '../../../config/types.ts';
import { hasProtocol, modernSettings } from '../modern/settings.ts';
import type { ModernSettings } from '../modern/settings.ts';
import { assignorName, assignors } from './assignors/index.ts';

export interface ConsumerSettings extends ModernSettings {
  /** `group.coordinator.rebalance.protocols` has it. */
  readonly isEnabled: boolean;
  /** `group.consumer.assignors`, the default first. */
  readonly assignors: readonly string[];
  /** `group.consumer.migration.policy` */
  readonly canUpgrade: boolean;
  readonly canDowngrade: boolean;
  /** `group.consumer.regex.refresh.interval.ms` */
  readonly regexRefreshMs: number;
}

export function consumerSettings(config: BrokerConfig): ConsumerSettings {
  const policy = String(brokerValue(config.layers, 'group.consumer.migration.policy')).toLowerCase();
  const named = brokerValue(config.layers, 'group.consumer.assignors') as readonly string[];
  return {
    ...modernSettings(config, 'consumer'),
    isEnabled: hasProtocol(config, 'consumer'),
    assignors: named.map(assignorName).filter((name) => name !== null),
    canUpgrade: policy === 'upgrade' || policy === 'bidirectional',
    canDowngrade: policy === 'downgrade' || policy === 'bidirectional',
    regexRefreshMs: Number(brokerValue(config.layers, 'group.consumer.regex.refresh.interval.ms')),
  };
}

/** Throws ConfigError when `group.consumer.assignors` names one that is not here. */
export function checkAssignors(config: BrokerConfig): void {
  const named = brokerValue(config.layers, 'group.consumer.assignors') as readonly string[];
  const unknown = named.filter((text) => assignorName(text) === null);
  if (unknown.length === 0 && named.length > 0) return;
  const message = `allowed: one or both of ${[...assignors.keys()].join(', ')}; assignors of other makes cannot run here`;
  throw new ConfigError([{ key: 'group.consumer.assignors', value: named.join(','), origin: '', message }]);
}

import { brokerValue } from '../../../config/layers.ts';
import type { BrokerConfig } from '../../../config/types.ts';
import { hasProtocol, modernSettings } from '../modern/settings.ts';
import type { ModernSettings } from '../modern/settings.ts';

export interface StreamsSettings extends ModernSettings {
  /** `group.coordinator.rebalance.protocols` has it. */
  readonly isEnabled: boolean;
  /** `group.streams.num.standby.replicas` */
  readonly standbyReplicas: number;
  /** `group.streams.max.standby.replicas` */
  readonly standbyReplicasMax: number;
  /** `group.streams.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number;
}

export function streamsSettings(config: BrokerConfig): StreamsSettings {
  const number = (name: string): number => Number(brokerValue(config.layers, `group.streams.${name}`));
  return {
    ...modernSettings(config, 'streams'),
    isEnabled: hasProtocol(config, 'streams'),
    standbyReplicas: number('num.standby.replicas'),
    standbyReplicasMax: number('max.standby.replicas'),
    initialRebalanceDelayMs: number('initial.rebalance.delay.ms'),
  };
}

/** The group's own number of standby replicas, or the broker's. */
export function standbyReplicasOf({ standbyReplicas, standbyReplicasMax }: StreamsSettings, groupConfig: ReadonlyMap<string, string>): number {
  return Math.min(Number(groupConfig.get('streams.num.standby.replicas') ?? standbyReplicas), standbyReplicasMax);
}

/** How long the group's first members wait for more. */
export function initialDelayMsOf({ initialRebalanceDelayMs }: StreamsSettings, groupConfig: ReadonlyMap<string, string>): number {
  return Number(groupConfig.get('streams.initial.rebalance.delay.ms') ?? initialRebalanceDelayMs);
}

import { brokerValue } from '../config/layers.ts';
import { topicKey } from '../config/tables.ts';
import type { BrokerConfig } from '../config/types.ts';
import { CONSUMER_OFFSETS_TOPIC, SHARE_GROUP_STATE_TOPIC, TRANSACTION_STATE_TOPIC } from '../metadata/topicNames.ts';
import type { NewTopic } from '../metadata/types.ts';

/** With which partitions and settings the broker makes one of its own topics; null for a name that is none of them. */
export function newInternalTopic(name: string, config: BrokerConfig): NewTopic | null {
  if (name === CONSUMER_OFFSETS_TOPIC) return offsetsTopic(config);
  if (name === SHARE_GROUP_STATE_TOPIC) return shareStateTopic(config);
  return name === TRANSACTION_STATE_TOPIC ? transactionTopic(config) : null;
}

/** The broker's settings of its own topics may go below what anybody may ask of a topic. */
function segmentSize(bytes: number): [key: string, value: string] {
  const { rule } = topicKey('segment.bytes');
  return [rule.kind === 'range' && bytes < rule.min ? 'internal.segment.bytes' : 'segment.bytes', String(bytes)];
}

/** Kafka's own settings of the topic: kept for ever, compacted, in segments that load fast, in the producer's codec. */
function offsetsTopic(config: BrokerConfig): NewTopic {
  return {
    name: CONSUMER_OFFSETS_TOPIC,
    partitions: config.offsetsTopicNumPartitions,
    replicationFactor: config.offsetsTopicReplicationFactor,
    assignments: new Map(),
    configs: new Map([
      ['cleanup.policy', 'compact'],
      segmentSize(config.offsetsTopicSegmentBytes),
      ['compression.type', 'producer'],
    ]),
  };
}

export function transactionTopicPartitions({ layers }: BrokerConfig): number {
  return brokerValue(layers, 'transaction.state.log.num.partitions') as number;
}

/** Kafka's own again; never by the hand of a leader that may lack records. */
function transactionTopic(config: BrokerConfig): NewTopic {
  const text = (name: string): string => String(brokerValue(config.layers, name));
  return {
    name: TRANSACTION_STATE_TOPIC,
    partitions: transactionTopicPartitions(config),
    // one node holds all there is, as for the other internal topic
    replicationFactor: config.offsetsTopicReplicationFactor,
    assignments: new Map(),
    configs: new Map([
      ['cleanup.policy', 'compact'],
      segmentSize(brokerValue(config.layers, 'transaction.state.log.segment.bytes') as number),
      ['compression.type', 'uncompressed'],
      ['unclean.leader.election.enable', 'false'],
      ['min.insync.replicas', text('transaction.state.log.min.isr')],
    ]),
  };
}

/** Kafka's own: never cleaned by age or key, only pruned by its coordinator. */
function shareStateTopic(config: BrokerConfig): NewTopic {
  const number = (name: string): number => brokerValue(config.layers, `share.coordinator.state.topic.${name}`) as number;
  return {
    name: SHARE_GROUP_STATE_TOPIC,
    partitions: number('num.partitions'),
    replicationFactor: config.offsetsTopicReplicationFactor,
    assignments: new Map(),
    configs: new Map([
      ['cleanup.policy', 'delete'],
      ['compression.type', 'uncompressed'],
      segmentSize(number('segment.bytes')),
      ['retention.ms', '-1'],
    ]),
  };
}

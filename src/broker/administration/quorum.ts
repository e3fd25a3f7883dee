/** The quorum of the metadata as this node is it: one voter, leader of itself (KIP-595, KIP-853). */
import { definite } from '../../base/assert.ts';
import type { BrokerEndpoint } from '../../metadata/types.ts';
import { zeroUuid } from '../../protocol/types.ts';
import { featureLevel, KRAFT_VERSION } from '../features.ts';
import type { BrokerServices } from '../services.ts';

export const METADATA_TOPIC = '__cluster_metadata';
const INT32_MAX = 2 ** 31 - 1;

export interface QuorumVoter {
  readonly id: number;
  /** zeroUuid while kraft.version is 0: voters have no directories then. */
  readonly directoryId: string;
  readonly endpoints: readonly BrokerEndpoint[];
}

export const hasVoterDirectories = ({ metadata }: BrokerServices): boolean => featureLevel(metadata.image, KRAFT_VERSION) > 0;

export function soleVoter(services: BrokerServices): QuorumVoter {
  const { nodeId, metadata, logs } = services;
  const directory = definite(logs.directories[0], 'a log directory');
  return { id: nodeId, directoryId: hasVoterDirectories(services) ? directory.id : zeroUuid, endpoints: metadata.image.brokers.get(nodeId)?.endpoints ?? [] };
}

/** Each life of the node is an epoch: the version of the metadata that it began with, which grows. */
export function quorumEpoch({ nodeId, metadata }: BrokerServices): number {
  return Math.min(metadata.image.brokers.get(nodeId)?.epoch ?? 0, INT32_MAX);
}

/** As Kafka prints a voter. */
export const voterText = (id: number, directoryId: string): string => `ReplicaKey(id=${id}, directoryId=${directoryId === zeroUuid ? '<undefined>' : directoryId})`;

/** Where clients that asked the wrong broker find the right one (KIP-951). */
import { ErrorCode } from '../../../protocol/errors.ts';
import type { ClientConnection } from '../../contract.ts';
import type { Partition } from '../../partition/partition.ts';
import { endpointOf } from '../../services.ts';
import type { BrokerServices } from '../../services.ts';

export interface Leader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

const UNTOLD: Leader = { leaderId: 0, leaderEpoch: 0 };

export function leaderToTell(partition: Partition | undefined, ...errorCodes: number[]): Leader {
  const isMoved = errorCodes.some((code) => code === ErrorCode.NOT_LEADER_OR_FOLLOWER || code === ErrorCode.FENCED_LEADER_EPOCH);
  return partition === undefined || !isMoved ? UNTOLD : { leaderId: partition.leader, leaderEpoch: partition.leaderEpoch };
}

export interface NodeEndpoint {
  nodeId: number;
  host: string;
  port: number;
  rack: string | null;
}

/** Endpoints of the leaders that were told. */
export function endpointsOf(services: BrokerServices, connection: ClientConnection, leaders: Iterable<Leader>): NodeEndpoint[] {
  const ids = new Set<number>();
  for (const leader of leaders) if (leader !== UNTOLD) ids.add(leader.leaderId);
  const endpoints: NodeEndpoint[] = [];
  for (const id of ids) {
    const broker = services.metadata.image.brokers.get(id);
    const endpoint = endpointOf(broker, connection.listenerName);
    if (broker !== undefined && endpoint !== undefined) endpoints.push({ nodeId: id, host: endpoint.host, port: endpoint.port, rack: broker.rack });
  }
  return endpoints;
}

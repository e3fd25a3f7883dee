import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { rangeAssignor } from './assignor.ts';
import { protocolOf, type AssignorProtocol } from './assignorProtocol.ts';
import { ClassicMember } from './classicMember.ts';
import type { ConsumerOptions } from './consumerOptions.ts';
import type { Membership } from './membership.ts';
import { ModernMember } from './modernMember.ts';
import { cooperativeStickyAssignor } from './stickyAssignor.ts';

/** Kafka's default: range, with the other one offered so that a group can be moved to it member by member. */
const DEFAULT_ASSIGNORS = [rangeAssignor, cooperativeStickyAssignor];

/** null without a group. Throws ClientError INVALID_ARGUMENT. */
export function makeMembership(cluster: Cluster, options: ConsumerOptions): Membership | null {
  const { group, groupProtocol = 'classic', assignors = DEFAULT_ASSIGNORS, remoteAssignor, rackId } = options;
  if (group === undefined) return null;
  if (group.groupId === '') throw new ClientError('INVALID_ARGUMENT', 'The group id must not be empty');
  if (groupProtocol === 'consumer') return new ModernMember(cluster, group, remoteAssignor ?? null, rackId ?? null);
  return new ClassicMember(cluster, group, assignors.map((assignor) => ('metadata' in assignor ? (assignor as AssignorProtocol) : protocolOf(assignor))), rackId ?? null);
}

import type { EndpointToPartitions } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { ClusterView } from '../cluster.ts';
import type { EpochAssignment } from '../modern/assignment.ts';
import type { StreamsGroup } from './group.ts';
import { inputTopics } from './topology.ts';

type TopicPartitions = EndpointToPartitions['activePartitions'];

/** Where interactive queries find the partitions: by the endpoint of each member that has told one. */
export function endpointsOf(group: StreamsGroup, cluster: ClusterView): EndpointToPartitions[] {
  return [...group.members.values()].flatMap(({ endpoint, assigned }) => endpoint === null ? [] : [{
    userEndpoint: { host: endpoint.host, port: endpoint.port },
    activePartitions: partitionsOf(group, assigned.active, cluster),
    standbyPartitions: partitionsOf(group, assigned.standby, cluster),
  }]);
}

/** Topics of a subtopology may have fewer partitions than it has tasks. */
function partitionsOf(group: StreamsGroup, tasks: EpochAssignment, cluster: ClusterView): TopicPartitions {
  return (group.topology?.subtopologies ?? []).flatMap((subtopology) => {
    const own = [...(tasks.get(subtopology.subtopologyId)?.keys() ?? [])].toSorted((a, b) => a - b);
    if (own.length === 0) return [];
    return inputTopics(subtopology).map((topic) => {
      const count = cluster.partitionCountOf(topic);
      return { topic, partitions: own.filter((partition) => partition < count) };
    });
  });
}

import { ConfigResourceType } from '../../metadata/types.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import { featureLevel } from '../features.ts';
import type { ClusterView } from './cluster.ts';

/** The cluster as its metadata has it. */
export function clusterViewOf(metadata: ClusterMetadata): ClusterView {
  return {
    get version(): number {
      return metadata.image.version;
    },
    idOf: (name) => metadata.image.topicsByName.get(name)?.id,
    nameOf: (id) => metadata.image.topicsById.get(id)?.name,
    topicNames: () => metadata.image.topicsByName.keys(),
    partitionCountOf: (name) => metadata.image.topicsByName.get(name)?.partitions.length ?? 0,
    racksOf: (name, partition) => {
      const { brokers, topicsByName } = metadata.image;
      const replicas = topicsByName.get(name)?.partitions[partition]?.replicas ?? [];
      return replicas.flatMap((id) => brokers.get(id)?.rack ?? []);
    },
    featureLevel: (name) => featureLevel(metadata.image, name),
    groupConfigOf: (groupId) => metadata.image.configsOf(ConfigResourceType.group, groupId),
  };
}

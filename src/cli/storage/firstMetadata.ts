import { existsSync } from 'node:fs';
import { silentLogger, systemClock, systemRandom } from '../../base/systemPorts.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { EMBEDDED_METADATA_FOLDER, openEmbeddedMetadata, type MetadataRecord } from '../../metadata/index.ts';
import { addFirstScramUsers, type FirstScramUser } from '../../node/firstScramUsers.ts';
import { openDisk } from '../../storage/disk/index.ts';
import { ToolError } from '../toolError.ts';

export interface FirstMetadata {
  readonly config: BrokerConfig;
  /** The first of log.dirs. */
  readonly directory: string;
  readonly clusterId: string;
  readonly levels: ReadonlyMap<string, number>;
  readonly users: readonly FirstScramUser[];
}

/** Begins the metadata of a cluster with feature levels and users, for the broker that starts on the directory. Throws ToolError where there is some already. */
export async function writeFirstMetadata({ config, directory, clusterId, levels, users }: FirstMetadata): Promise<void> {
  const folder = `${directory}/${EMBEDDED_METADATA_FOLDER}`;
  if (existsSync(folder)) throw new ToolError(`${folder} is there already, but ${directory} is not formatted: remove the folder to format the directory`);
  const disk = openDisk();
  try {
    const metadata = await openEmbeddedMetadata({
      disk,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      directory,
      clusterId: () => clusterId,
      nodeId: config.nodeId,
      defaults: { partitions: config.numPartitions, replicationFactor: config.defaultReplicationFactor },
      staticSettings: config.layers.static,
      firstRecords: () => Promise.resolve([...levels].map(([name, level]): MetadataRecord => ({ kind: 'feature', name, level }))),
    });
    await addFirstScramUsers(users, metadata.controller, systemRandom).finally(() => metadata.close());
  } finally {
    await disk.close();
  }
}

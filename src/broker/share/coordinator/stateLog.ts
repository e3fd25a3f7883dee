import { SHARE_GROUP_STATE_TOPIC } from '../../../metadata/topicNames.ts';
import { PartitionedCoordinatorLog } from '../../coordinatorLog.ts';
import type { PartitionedLogOptions } from '../../coordinatorLog.ts';
import type { PartitionTable } from '../../partition/partitions.ts';
import type { PrunableLog } from './pruning.ts';

/** `__share_group_state` on this broker. */
export class ShareStateLog extends PartitionedCoordinatorLog implements PrunableLog {
  readonly #partitions: PartitionTable;

  constructor(options: Omit<PartitionedLogOptions, 'topic'>) {
    super({ ...options, topic: SHARE_GROUP_STATE_TOPIC });
    this.#partitions = options.partitions;
  }

  endOffset(partition: number): number {
    return this.#partitions.find(this.topic, partition)?.onlineLog?.logEndOffset ?? -1;
  }

  async deleteBefore(partition: number, offset: number): Promise<void> {
    await this.#partitions.find(this.topic, partition)?.onlineLog?.deleteRecordsBefore(offset);
  }
}

/**
 * When the folder of a new log becomes durable, with the `partition.metadata` that tells whose it is. Where somebody else keeps the list of logs (a broker's
 * metadata), that waits for the first records: a folder that a loss of power takes before is made anew by the next start.
 */
import { writePartitionMetadata } from './partitionMetadata.ts';
import type { LogState } from './logState.ts';
import { enqueue } from './sideFiles.ts';

/** `asked`: it is under way, or failed for want of room and is tried again with the next sync of the log. */
export type Naming = 'open' | 'asked' | 'durable';

/** The names in the folder become durable with the folder's own, which nobody waits for before there are records. */
export function beginNaming(state: LogState): void {
  state.naming = 'open';
  state.folderDirty = false;
}

/** Never rejects: `state.naming` tells whether it worked. */
export function nameDurably(state: LogState): Promise<void> {
  return enqueue(state, 'making a folder durable', async () => {
    if (state.naming === 'durable') return;
    // Writing the file syncs the folder, with the names that it has now.
    state.folderDirty = false;
    try {
      await writePartitionMetadata(state.disk, state.folder, state.topicId);
      await state.host.syncRoot();
    } catch (error) {
      state.folderDirty = true;
      throw error;
    }
    state.naming = 'durable';
  });
}

const AT_ONCE = 4;

/** Names the logs of one directory that got their first records, a few at a time, in the order in which they did. */
export class NamingQueue {
  readonly #waiting = new Set<LogState>();
  #running = 0;

  add(state: LogState): void {
    state.naming = 'asked';
    this.#waiting.add(state);
    while (this.#running < AT_ONCE && this.#waiting.size > 0) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running += 1;
    for (const state of this.#waiting) {
      this.#waiting.delete(state);
      await nameDurably(state);
    }
    this.#running -= 1;
  }
}

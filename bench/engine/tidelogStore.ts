/** A store of ours, opened for the benchmark. */
import { openDisk } from '../../src/storage/disk/index.ts';
import { defaultTopicConfig, openStore, randomId, systemPorts } from '../../src/storage/index.ts';
import type { AppendOptions, Log, StoreManager, TopicConfigView } from '../../src/storage/index.ts';

export const APPEND: AppendOptions = { leaderEpoch: 0, origin: 'client' };

/** Of a batch that a builder of this process closed just now. */
export const builtAppend = (minTimestampMs: number): AppendOptions => ({ ...APPEND, builtMinTimestampMs: minTimestampMs });

export interface OpenedStore {
  readonly store: StoreManager;
  /** Which core and disk run. */
  readonly ran: string;
  open(name: string): Promise<Log>;
  close(): Promise<void>;
}

/** Opens or creates a store in `folder` whose logs are set up as `settings` say, Kafka's defaults where silent. */
export async function openTidelog(folder: string, settings: Partial<TopicConfigView> = {}): Promise<OpenedStore> {
  const disk = openDisk();
  const config: TopicConfigView = { ...defaultTopicConfig, ...settings };
  const store = await openStore({ directories: [folder], disk, configOf: () => config });
  return {
    store,
    ran: disk.description,
    open: async (name) => store.get(name, 0) ?? store.open(name, 0, randomId(systemPorts.random), config),
    async close() {
      await store.close();
      await disk.close();
    },
  };
}

/** Throws what the log refuses; the answer may come later where the log waits for the disk. */
export function append(log: Log, batch: Buffer, done: () => void, options = APPEND): void {
  log.append(batch, options, (error) => {
    if (error !== null) throw error;
    done();
  });
}

export function appendDurably(log: Log, batch: Buffer, options = APPEND): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(batch, options, (error) => (error === null ? resolve() : reject(error)));
  });
}

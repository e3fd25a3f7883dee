import { describe, expect, it } from 'vitest';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { append, batchOf, readAll, REPLICA, startStore, topicConfig, TOPIC_ID } from './support/store.ts';
import type { FakePorts } from './support/ports.ts';

const config = topicConfig({ segmentBytes: 200, fileDeleteDelayMs: 1_000_000 });
const FOLDER = '/data/t-0';

/** A store that was stopped in order with segments of two records each: 0, 2, 4, ... */
async function stopped(records = 8): Promise<{ disk: MemoryDisk; ports: FakePorts }> {
  const { store, disk, ports } = await startStore({ config });
  const log = await store.open('t', 0, TOPIC_ID, config);
  for (let index = 0; index < records; index += 1) await append(log, batchOf([`v${index}`.padEnd(20)]));
  await store.close();
  return { disk, ports };
}

const files = async (disk: MemoryDisk): Promise<string[]> => (await disk.list(FOLDER)).map((entry) => entry.name);
const offsets = (log: Parameters<typeof readAll>[0]): number[] => readAll(log).map((record) => record.offset);
const stem = (offset: number): string => `${FOLDER}/${String(offset).padStart(20, '0')}`;

async function copy(disk: MemoryDisk, from: string, to: string): Promise<void> {
  await disk.writeFile(to, (await disk.readFile(from, 1 << 20))!);
}

describe('files left behind', () => {
  it('of deletions and unfinished compactions are removed', async () => {
    const { disk, ports } = await stopped();
    for (const name of ['.log.deleted', '.index.deleted', '.log.cleaned', '.timeindex.cleaned']) await disk.writeFile(stem(2) + name, Buffer.from('left'));
    await copy(disk, `${stem(4)}.log`, `${stem(4)}.log.swap`);
    await disk.writeFile(`${FOLDER}/00000000000000000099.index`, Buffer.alloc(8));
    const { store } = await startStore({ disk, ports, config });
    expect((await files(disk)).filter((name) => /deleted|cleaned|swap|0099/.test(name))).toEqual([]);
    expect(offsets(store.get('t', 0)!)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    await store.close();
  });

  it('of a finished compaction take the place of what they cover', async () => {
    const { disk, ports } = await stopped();
    const compacted = await startStore({ ports, directories: ['/tmp'] });
    const clean = await compacted.store.open('c', 0, TOPIC_ID, topicConfig());
    await append(clean, batchOf(['kept'], { baseOffset: 1 }), REPLICA);
    await append(clean, batchOf(['kept too'], { baseOffset: 3 }), REPLICA);
    await compacted.store.close();
    for (const type of ['.log', '.index', '.timeindex']) {
      const bytes = await compacted.disk.readFile(`/tmp/c-0/00000000000000000000${type}`, 10_000);
      await disk.writeFile(`${stem(0)}${type}.swap`, bytes!);
    }
    const { store } = await startStore({ disk, ports, config });
    expect(offsets(store.get('t', 0)!)).toEqual([1, 3, 4, 5, 6, 7]);
    expect((await files(disk)).filter((name) => name.endsWith('.swap'))).toEqual([]);
    await store.close();
  });

  it('as missing or torn indexes are made anew', async () => {
    const { disk, ports } = await stopped();
    await disk.remove(`${stem(2)}.index`);
    await disk.remove(`${stem(4)}.timeindex`);
    await disk.writeFile(`${stem(0)}.index`, Buffer.alloc(13));
    const { store } = await startStore({ disk, ports, config });
    const log = store.get('t', 0)!;
    expect(offsets(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect((await log.offsetForTimestamp(0, 8)).offset).toBe(0);
    expect(ports.logger.lines.filter((line) => line.includes('index files'))).toHaveLength(3);
    await store.close();
  });
});

describe('recovery', () => {
  it('cuts at a corrupt batch in the middle and drops the segments behind it', async () => {
    const { disk, ports } = await stopped();
    await disk.remove('/data/.kafka_cleanshutdown');
    await disk.remove('/data/recovery-point-offset-checkpoint');
    const size = (await disk.readFile(`${stem(2)}.log`, 1 << 20))!.length;
    disk.flipBit(`${stem(2)}.log`, size - 3, 2);
    const { store } = await startStore({ disk, ports, config });
    const log = store.get('t', 0)!;
    expect(offsets(log)).toEqual([0, 1, 2]);
    expect((await append(log, batchOf(['next']))).firstOffset).toBe(3);
    expect((await files(disk)).filter((name) => name.startsWith('00000000000000000006.log'))).toEqual(['00000000000000000006.log.deleted']);
    await store.close();
  });

  it('does not look below the recovery point', async () => {
    const { disk, ports } = await stopped();
    await disk.remove('/data/.kafka_cleanshutdown');
    disk.flipBit(`${stem(0)}.log`, 70, 2);
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)?.logEndOffset).toBe(8);
    await store.close();
  });

  it('begins anew at the log start when everything was lost below it', async () => {
    const { disk, ports } = await stopped();
    await disk.remove('/data/.kafka_cleanshutdown');
    await disk.writeFile('/data/log-start-offset-checkpoint', Buffer.from('0\n1\nt 0 50\n'));
    await disk.remove('/data/tidelog-checksums');
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)).toMatchObject({ logStartOffset: 50, logEndOffset: 50 });
    expect((await append(store.get('t', 0)!, batchOf(['next']))).firstOffset).toBe(50);
    await store.close();
  });

  it('takes garbage for an empty log', async () => {
    const { disk, ports } = await stopped(0);
    await disk.remove('/data/.kafka_cleanshutdown');
    await disk.writeFile(`${stem(0)}.log`, Buffer.alloc(5000, 0x5a));
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)).toMatchObject({ logEndOffset: 0, sizeBytes: 0 });
    await store.close();
  });
});

import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Field, HEADER_BYTES, attributesOf, baseOffsetOf, baseTimestampOf, codecIn, hasDeleteHorizon, nextBatch, recordCountOf } from '../../src/record/batchHeader.ts';
import { recordsOf } from '../../src/record/codecs.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import type { PartitionLog } from '../../src/storage/log.ts';
import { COMPACT } from './support/compaction.ts';
import { FakeClock, fakePorts } from './support/ports.ts';
import { memoryDisk, startStore } from './support/store.ts';

/**
 * Segments that Apache Kafka 4.3.1 wrote for Java clients (plain, idempotent and transactional producers, all codecs, tombstones, aborted
 * transactions), and what its own cleaner made of them.
 */
interface Golden {
  readonly madeMs: number;
  readonly cleanedOffset: number;
  /** Base64 by file name. */
  readonly before: Readonly<Record<string, string>>;
  readonly after: Readonly<Record<string, string>>;
}

const golden = JSON.parse(brotliDecompressSync(readFileSync(new URL('golden/compaction-kafka-4.3.1.json.br', import.meta.url))).toString()) as Golden;

/** Each batch as header and records; what depends on when the cleaner ran, or on a codec's library, aside. */
function batchesIn(bytes: Buffer): unknown[] {
  const batches: unknown[] = [];
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    const header = Buffer.from(bytes.subarray(at, at + HEADER_BYTES));
    const isPlain = codecIn(attributesOf(bytes, at)) === 0;
    const records = recordCountOf(bytes, at) === 0 ? [] : decodeBatch(bytes, at, isPlain ? null : recordsOf(bytes, at, 1 << 24));
    if (!isPlain) header.fill(0, Field.length, Field.leaderEpoch);
    if (hasDeleteHorizon(attributesOf(bytes, at))) header.fill(0, Field.baseTimestamp, Field.maxTimestamp);
    if (hasDeleteHorizon(attributesOf(bytes, at))) header.fill(0, Field.length, Field.leaderEpoch);
    if (!isPlain || hasDeleteHorizon(attributesOf(bytes, at))) header.fill(0, Field.crc, Field.attributes);
    batches.push({ offset: baseOffsetOf(bytes, at), header: header.toString('hex'), records });
  }
  return batches;
}

async function cleaned(): Promise<{ disk: MemoryDisk; log: PartitionLog; nowMs: number }> {
  const ports = { ...fakePorts(), clock: new FakeClock(golden.madeMs) };
  const disk = memoryDisk(ports);
  await disk.makeDirectory('/data/g-0');
  await disk.writeFile('/data/meta.properties', Buffer.from('version=1\ncluster.id=c\nnode.id=0\ndirectory.id=d\ntidelog.format.version=1\n'));
  await disk.writeFile('/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'));
  for (const [name, base64] of Object.entries(golden.before)) await disk.writeFile(`/data/g-0/${name}`, Buffer.from(base64, 'base64'));
  const config = { ...COMPACT, segmentBytes: 2500, segmentIndexBytes: 4096, indexIntervalBytes: 512, deleteRetentionMs: 86_400_000 };
  const { store } = await startStore({ disk, ports, config });
  const log = store.get('g', 0)!;
  await store.cleaner.cleanNow(log);
  return { disk, log, nowMs: ports.clock.now() };
}

describe('compaction of what Apache Kafka wrote', () => {
  it("leaves what Kafka's own cleaner leaves", async () => {
    const { disk, log, nowMs } = await cleaned();
    expect(log.state.cleanedOffset).toBe(golden.cleanedOffset);
    const logs = Object.keys(golden.after).filter((name) => name.endsWith('.log'));
    expect((await disk.list('/data/g-0')).map(({ name }) => name).filter((name) => name.endsWith('.log'))).toEqual(logs);
    let horizons = 0;
    for (const name of logs) {
      const bytes = (await disk.readFile(`/data/g-0/${name}`, 1 << 20))!;
      expect(batchesIn(bytes), name).toEqual(batchesIn(Buffer.from(golden.after[name]!, 'base64')));
      for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
        if (!hasDeleteHorizon(attributesOf(bytes, at))) continue;
        expect(baseTimestampOf(bytes, at)).toBe(nowMs + 86_400_000);
        horizons += 1;
      }
    }
    expect(horizons).toBeGreaterThan(0);
    const aborted = async (name: string): Promise<string> => ((await disk.readFile(`/data/g-0/${name}`, 1 << 20)) ?? Buffer.alloc(0)).toString('base64');
    for (const name of Object.keys(golden.after).filter((file) => file.endsWith('.txnindex'))) expect(await aborted(name), name).toBe(golden.after[name]);
  });
});

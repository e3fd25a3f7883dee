import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Codec, HEADER_BYTES, attributesOf, baseOffsetOf, codecIn, crcOf, leaderEpochOf, maxTimestampOf, producerIdOf, writeInt64 } from '../../src/record/batchHeader.ts';
import { BatchBuilder, renewCrc } from '../../src/record/build.ts';
import type { BatchOptions } from '../../src/record/build.ts';
import { CODEC_NAMES, DEFAULT_LEVEL, recordsOf } from '../../src/record/codecs.ts';
import { noLimits } from '../../src/record/inflateTask.ts';
import { InflateStatus } from '../../src/record/inflater.ts';
import type { InflateLimits, InflateOutcome, Inflater, RecompressTarget } from '../../src/record/inflater.ts';
import { InlineInflater } from '../../src/record/inlineInflater.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import { WorkerInflater, findWorkerPath, openInflater } from '../../src/record/workerInflater.ts';
import { BuiltPackage } from './builtWorker.ts';

const CODECS = [Codec.none, Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd] as const;
const CAP = 2 ** 22;
const limits = noLimits(CAP);
/** Large enough that it does not run inline, whatever the codec. */
const LARGE = 3000;

function batchOf(codec: Codec, records: number, options: BatchOptions = {}): Buffer {
  const builder = new BatchBuilder();
  for (let index = 0; index < records; index += 1) {
    const noise = Buffer.from(`${Math.imul(index + 1, 2654435761) >>> 0}${Math.imul(index + 7, 40503) >>> 0}`);
    builder.append(Buffer.from(`key ${index}`), noise, null, index === records >> 1 ? 5000 : 1000 + (index % 10));
  }
  return builder.close({ codec, ...options });
}

const inflate = (inflater: Inflater, batch: Buffer, bounds: InflateLimits = limits): Promise<InflateOutcome> => new Promise((resolve) => inflater.inflate(batch, bounds, resolve));
const recompress = (inflater: Inflater, batch: Buffer, target: RecompressTarget): Promise<InflateOutcome> => new Promise((resolve) => inflater.recompress(batch, limits, target, resolve));
const readRecords = (inflater: Inflater, batch: Buffer, cap: number): Promise<InflateOutcome> => new Promise((resolve) => inflater.readRecords(batch, cap, resolve));

let built: BuiltPackage;
beforeAll(async () => {
  built = await BuiltPackage.make();
});
afterAll(() => built.remove());

describe.each(['inline', 'worker'] as const)('%s inflater', (kind) => {
  let inflater: Inflater;
  beforeAll(() => {
    inflater = kind === 'inline' ? new InlineInflater() : new WorkerInflater({ workerPath: built.workerPath, threadsMax: 2 });
  });
  afterAll(() => inflater.close());

  test.each(CODECS.map((codec) => [CODEC_NAMES[codec], codec] as const))('checks %s batches, small and large', async (_, codec) => {
    for (const records of [5, LARGE]) {
      expect(await inflate(inflater, batchOf(codec, records))).toEqual({ status: InflateStatus.ok, message: '', maxTimestampMs: 5000, offsetDeltaOfMaxTimestamp: records >> 1, badRecordIndex: -1, badRecordIndexes: [], bytes: null });
    }
  });

  test('says which record is wrong', async () => {
    for (const records of [5, LARGE]) {
      const middle = records >> 1;
      const builder = new BatchBuilder();
      for (let index = 0; index < records; index += 1) builder.append(index === middle ? null : Buffer.from('k'), Buffer.from(`${Math.imul(index, 2654435761)}`), null, index === middle ? 1 : 2);
      const batch = builder.close({ codec: Codec.lz4 });
      expect(await inflate(inflater, batch, { ...limits, requireKeys: true })).toMatchObject({ status: InflateStatus.missingKey, badRecordIndex: middle });
      expect(await inflate(inflater, batch, { ...limits, timestampMin: 2 })).toMatchObject({ status: InflateStatus.invalidTimestamp, badRecordIndex: middle });
      expect(await inflate(inflater, batch, { ...limits, timestampMax: 1 })).toMatchObject({ status: InflateStatus.invalidTimestamp, badRecordIndex: 0 });
    }
  });

  test('refuses a count that lies, a checksum that differs, and bytes that no codec wrote', async () => {
    for (const records of [5, LARGE]) {
      const short = batchOf(Codec.zstd, records);
      short.writeInt32BE(records - 1, 57);
      renewCrc(short);
      expect((await inflate(inflater, short)).status).toBe(InflateStatus.invalidRecord);
      const flipped = batchOf(Codec.gzip, records);
      flipped[flipped.length - 9]! ^= 1;
      expect((await inflate(inflater, flipped)).status).toBe(InflateStatus.corruptChecksum);
      renewCrc(flipped);
      expect((await inflate(inflater, flipped)).status).toBe(InflateStatus.corruptCompression);
      const unknown = batchOf(Codec.none, records);
      unknown.writeInt16BE(7, 21);
      renewCrc(unknown);
      expect((await inflate(inflater, unknown)).status).toBe(InflateStatus.corruptHeader);
      expect((await inflate(inflater, batchOf(Codec.none, records).subarray(0, -1))).status).toBe(InflateStatus.corruptHeader);
      const old = batchOf(Codec.none, records);
      old[16] = 1;
      expect((await inflate(inflater, old)).status).toBe(InflateStatus.unsupportedMagic);
    }
  });

  test('refuses offsets with gaps, and batches without records', async () => {
    for (const records of [5, LARGE]) expect((await inflate(inflater, batchOf(Codec.gzip, records, { lastOffsetDelta: records }))).status).toBe(InflateStatus.invalidRecord);
    expect((await inflate(inflater, new BatchBuilder().close({ codec: Codec.gzip }))).status).toBe(InflateStatus.invalidRecord);
  });

  test('stops bombs at the cap', async () => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.alloc(8 * 2 ** 20), null, 1);
    for (const codec of [Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd] as const) {
      builder.append(null, Buffer.alloc(8 * 2 ** 20), null, 1);
      const bomb = builder.close({ codec });
      expect((await inflate(inflater, bomb, noLimits(2 ** 20))).status).toBe(InflateStatus.inflatedTooLarge);
      expect((await readRecords(inflater, bomb, 2 ** 20)).status).toBe(InflateStatus.inflatedTooLarge);
    }
  });

  test('writes the same records with every other codec', async () => {
    for (const from of CODECS) {
      for (const to of CODECS) {
        for (const records of [5, LARGE]) {
          const batch = batchOf(from, records, { baseOffset: 77, leaderEpoch: 3, producerId: 9, producerEpoch: 1, baseSequence: 0 });
          writeInt64(batch, 1, 35);
          renewCrc(batch);
          const { status, bytes } = await recompress(inflater, batch, { codec: to, level: DEFAULT_LEVEL });
          expect(status).toBe(InflateStatus.ok);
          expect(codecIn(attributesOf(bytes!, 0))).toBe(to);
          expect([baseOffsetOf(bytes!, 0), leaderEpochOf(bytes!, 0), producerIdOf(bytes!, 0), maxTimestampOf(bytes!, 0)]).toEqual([77, 3, 9, 5000]);
          const crc = crcOf(bytes!, 0);
          renewCrc(bytes!);
          expect(crcOf(bytes!, 0)).toBe(crc);
          expect(recordsOf(bytes!, 0, CAP).equals(recordsOf(batch, 0, CAP))).toBe(true);
        }
      }
    }
  });

  test('reads records', async () => {
    for (const records of [5, LARGE]) {
      const { bytes } = await readRecords(inflater, batchOf(Codec.zstd, records), CAP);
      expect(bytes!.equals(batchOf(Codec.none, records).subarray(HEADER_BYTES))).toBe(true);
      expect(decodeBatch(batchOf(Codec.zstd, records), 0, bytes).length).toBe(records);
    }
  });

  test('does not touch the bytes it was given, nor needs them after the call', async () => {
    const batch = batchOf(Codec.gzip, LARGE);
    const answer = inflate(inflater, batch);
    batch.fill(0);
    expect((await answer).status).toBe(InflateStatus.ok);
  });

  test('answers failed after close', async () => {
    const closing = kind === 'inline' ? new InlineInflater() : new WorkerInflater({ workerPath: built.workerPath, threadsMax: 1 });
    const queued = kind === 'inline' ? null : inflate(closing, batchOf(Codec.gzip, LARGE));
    await closing.close();
    expect((await inflate(closing, batchOf(Codec.gzip, 5))).status).toBe(InflateStatus.failed);
    if (queued !== null) expect((await queued).status).toBe(InflateStatus.failed);
  });
});

describe('worker inflater', () => {
  test('answers busy past its queue, and recovers', async () => {
    const batch = batchOf(Codec.gzip, LARGE);
    for (const bound of [{ queuedTasksMax: 2 }, { queuedBytesMax: batch.length * 2 + 1 }]) {
      const inflater = new WorkerInflater({ workerPath: built.workerPath, threadsMax: 1, ...bound });
      const outcomes = await Promise.all([1, 2, 3].map(() => inflate(inflater, batch)));
      expect(outcomes.map((outcome) => outcome.status)).toEqual([InflateStatus.ok, InflateStatus.ok, InflateStatus.busy]);
      expect(inflater.queuedTasks).toBe(0);
      expect((await inflate(inflater, batch)).status).toBe(InflateStatus.ok);
      await inflater.close();
    }
  });

  test('takes a batch larger than its whole budget when it is alone', async () => {
    const inflater = new WorkerInflater({ workerPath: built.workerPath, threadsMax: 1, queuedBytesMax: 1 });
    expect((await inflate(inflater, batchOf(Codec.gzip, LARGE))).status).toBe(InflateStatus.ok);
    await inflater.close();
  });

  test('answers tiny batches before it returns, and starts no thread for them', () => {
    const inflater = new WorkerInflater({ workerPath: '/nowhere/inflate.worker.js' });
    let outcome: InflateOutcome | null = null;
    inflater.inflate(batchOf(Codec.gzip, 5), limits, (answer) => (outcome = answer));
    expect(outcome).toMatchObject({ status: InflateStatus.ok });
  });

  test('answers failed when its worker cannot start or dies', async () => {
    const dying = join(built.root, 'dying.mjs');
    await writeFile(dying, 'export default () => process.exit(1);');
    for (const workerPath of ['/nowhere/inflate.worker.js', dying]) {
      const inflater = new WorkerInflater({ workerPath, threadsMax: 1 });
      expect((await inflate(inflater, batchOf(Codec.gzip, LARGE))).status).toBe(InflateStatus.failed);
      await inflater.close();
    }
  });

  test('is replaced by the inline one where this runs from sources', async () => {
    expect(findWorkerPath()).toBe(null);
    const inflater = openInflater();
    expect(inflater).toBeInstanceOf(InlineInflater);
    await inflater.close();
  });

  test('is found from a bundle elsewhere in the package', async () => {
    await built.bundle('src/record/workerInflater.ts', 'dist/bundled/inflater.js');
    const script = join(built.root, 'check.mjs');
    const batchPath = join(built.root, 'batch');
    await writeFile(batchPath, batchOf(Codec.zstd, LARGE));
    await writeFile(
      script,
      `import { readFileSync } from 'node:fs';
       import { openInflater } from './dist/bundled/inflater.js';
       const inflater = openInflater();
       const limits = { inflatedSizeMaxBytes: ${CAP}, requireKeys: true, timestampMin: 0, timestampMax: 1e15 };
       inflater.inflate(readFileSync(${JSON.stringify(batchPath)}), limits, (outcome) => {
         console.log(JSON.stringify({ ...outcome, kind: inflater.constructor.name }));
       });`,
    );
    // No close: a thread that idles must not keep a process alive.
    const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 20_000 });
    expect(JSON.parse(stdout)).toMatchObject({ status: 0, maxTimestampMs: 5000, kind: 'WorkerInflater' });
  });
});

/** Batches of every codec, implementation and level, read deeply by Apache Kafka's own library. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Codec, HEADER_BYTES, LOG_OVERHEAD_BYTES, recordCountOf } from '../../src/record/batchHeader.ts';
import { BatchBuilder, renewCrc } from '../../src/record/build.ts';
import { CODEC_NAMES, DEFAULT_LEVEL, implementationsOf, recordsOf } from '../../src/record/codecs.ts';
import { ControlType, buildEndTransactionMarker } from '../../src/record/control.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import { projectRoot } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { skipLoudly } from './support/run.ts';

const available = await javaToolsAvailable();
if (!available) skipLoudly('no JDK or no Maven: Apache Kafka\'s library did not read our batches');

const levels: Readonly<Record<number, readonly number[]>> = { [Codec.gzip]: [1, 9], [Codec.snappy]: [], [Codec.lz4]: [1, 12, 17], [Codec.zstd]: [-5, 1, 19] };

function builderOf(records: number): BatchBuilder {
  const builder = new BatchBuilder();
  for (let index = 0; index < records; index += 1) {
    const noise = (Math.imul(index, 2654435761) >>> 0).toString(36);
    builder.append(index % 5 === 0 ? null : Buffer.from(`key ${index % 97}`), index % 7 === 0 ? null : Buffer.from(`user ${noise} saw the same page again and again ${noise}`), [{ key: `h${index % 3}`, value: null }], 1_700_000_000_000 + index);
  }
  return builder;
}

/** One batch with each implementation and level of each codec. */
function batches(): [string, Buffer][] {
  const made: [string, Buffer][] = [];
  for (const records of [0, 1, 20_000]) {
    const plain = builderOf(records).close({ baseOffset: 7, producerId: 5, producerEpoch: 1, baseSequence: 3, isTransactional: true });
    made.push([`none-${records}`, plain]);
    if (records === 0) continue;
    for (const codec of [Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd] as const) {
      for (const implementation of implementationsOf(codec)) {
        for (const level of [DEFAULT_LEVEL, ...levels[codec]!]) {
          const section = implementation.compress(plain.subarray(HEADER_BYTES), level);
          const batch = Buffer.concat([plain.subarray(0, HEADER_BYTES), section]);
          batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, 8);
          batch.writeInt16BE(batch.readInt16BE(21) | codec, 21);
          renewCrc(batch);
          made.push([`${CODEC_NAMES[codec]}-${implementation.description}-${level}-${records}`, batch]);
        }
      }
    }
  }
  made.push(['marker', buildEndTransactionMarker({ type: ControlType.abort, producerId: 5, producerEpoch: 2, coordinatorEpoch: 8, timestampMs: 3 })]);
  return made;
}

/** The line that ReadBatches.java prints of it. */
function expectedOf(batch: Buffer): string {
  let sum = 0;
  for (const record of decodeBatch(batch, 0, recordsOf(batch, 0, 2 ** 24))) {
    for (const bytes of [record.key, record.value]) if (bytes !== null) sum = crc32(bytes, sum);
    sum = crc32(`${record.offset}:${record.timestampMs}`, sum);
    for (const header of record.headers) sum = crc32(header.key, sum);
  }
  return `${recordCountOf(batch, 0)} ${sum.toString(16)}`;
}

describe.runIf(available)('Apache Kafka\'s library', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-records-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('reads what every implementation of every codec writes', async () => {
    const made = batches();
    const files: string[] = [];
    for (const [name, batch] of made) {
      files.push(path.join(folder, `${files.length}-${name.replaceAll(/[^\w-]/g, '')}`));
      await writeFile(files.at(-1)!, batch);
    }
    const read = await javaTool(path.join(projectRoot, 'test/interop/clients/java/ReadBatches.java'), files);
    const lines = read.stdout.split('\n').filter((line) => line.startsWith(folder));
    expect(lines, read.stderr).toEqual(made.map(([, batch], index) => `${files[index]} ${expectedOf(batch)}`));
  });
});

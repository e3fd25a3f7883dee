import { describe, expect, test } from 'vitest';
import { compute } from '../../src/binding/load.ts';
import { Codec, Field, HEADER_BYTES, attributesOf, codecIn, crcOf, headerDefect, nextBatch } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { CODEC_NAMES, implementationsOf, recordsOf } from '../../src/record/codecs.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import { goldenBatches } from './goldenBatches.ts';

const goldens = goldenBatches.filter((golden) => golden.magic === 2);
const VALUE = 'value value value value';

function built(): BatchBuilder {
  const builder = new BatchBuilder();
  builder.append(Buffer.from('key0'), Buffer.from(`${VALUE} 0`), [{ key: 'h0', value: Buffer.from('x0') }], 1000);
  builder.append(Buffer.from('key1'), null, [{ key: 'h1', value: null }], 1007);
  builder.append(null, Buffer.from(`${VALUE} 2`), [{ key: 'h2', value: Buffer.from('x2') }], 1014);
  return builder;
}

describe.each(goldens.map((golden) => [golden.codec, Buffer.from(golden.hex, 'hex')] as const))('a batch that Kafka wrote with %s', (codec, bytes) => {
  test('is whole, its checksum right', () => {
    expect(nextBatch(bytes, 0)).toBe(bytes.length);
    expect(headerDefect(bytes, 0)).toBe('');
    expect(CODEC_NAMES[codecIn(attributesOf(bytes, 0))]).toBe(codec);
    expect(compute.crc32c(bytes.subarray(Field.attributes))).toBe(crcOf(bytes, 0));
  });

  test('holds its three records', () => {
    const decoded = decodeBatch(bytes, 0, recordsOf(bytes, 0, 1000));
    expect(decoded.map((record) => [record.offset, record.timestampMs, record.key?.toString() ?? null, record.value?.toString() ?? null])).toEqual([
      [100, 1000, 'key0', `${VALUE} 0`],
      [101, 1007, 'key1', null],
      [102, 1014, null, `${VALUE} 2`],
    ]);
    expect(decoded.map((record) => record.headers.map((header) => [header.key, header.value?.toString() ?? null]))).toEqual([[['h0', 'x0']], [['h1', null]], [['h2', 'x2']]]);
  });

  test('inflates to what this builder writes, with every implementation', () => {
    const records = built().close().subarray(HEADER_BYTES);
    const number = CODEC_NAMES.indexOf(codec as (typeof CODEC_NAMES)[number]) as Codec;
    const section = bytes.subarray(HEADER_BYTES);
    if (number === Codec.none) expect(section.equals(records)).toBe(true);
    else for (const reader of implementationsOf(number)) expect(reader.inflate(section, records.length).equals(records)).toBe(true);
  });
});

test('an uncompressed batch is built byte for byte as Kafka builds it', () => {
  const batch = built().close({ baseOffset: 100, leaderEpoch: 9, producerId: 17, producerEpoch: 3, baseSequence: 5 });
  expect(batch.toString('hex')).toBe(goldens[0]!.hex);
});

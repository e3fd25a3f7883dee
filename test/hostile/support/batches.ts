/** Batches as good clients send them, and the same with one lie. */
import { BatchBuilder, renewCrc } from '../../../src/record/build.ts';
import { Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES } from '../../../src/record/batchHeader.ts';

export function goodBatch(values: readonly string[], codec: Codec = Codec.none): Buffer {
  const builder = new BatchBuilder();
  for (const value of values) builder.append(null, Buffer.from(value), null, Date.now());
  return builder.close({ codec });
}

/** A good batch, changed, with a CRC that is right again. */
export function changedBatch(change: (batch: Buffer) => void, values: readonly string[] = ['one', 'two', 'three']): Buffer {
  const batch = goodBatch(values);
  change(batch);
  renewCrc(batch);
  return batch;
}

/** A batch with this records section, whatever it is, a right length and a right CRC. */
export function batchAround(section: Buffer, codec: Codec, recordCount: number): Buffer {
  const header = goodBatch(['x']).subarray(0, HEADER_BYTES);
  const batch = Buffer.concat([header, section]);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, Field.length);
  batch.writeInt16BE(codec, Field.attributes);
  batch.writeInt32BE(recordCount, Field.recordCount);
  batch.writeInt32BE(recordCount - 1, Field.lastOffsetDelta);
  renewCrc(batch);
  return batch;
}

/** Zigzag, as many bytes as it takes. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value < 0 ? -2n * BigInt(value) - 1n : 2n * BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

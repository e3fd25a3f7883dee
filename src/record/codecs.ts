/** The five compression codecs of Kafka. Libraries load on first use, so that a broker that only stores bytes loads none. */
import { Codec, HEADER_BYTES, attributesOf, codecIn, sizeOf } from './batchHeader.ts';
import { DEFAULT_LEVEL } from './codecs/codec.ts';
import type { RecordCodec } from './codecs/codec.ts';
import { gzip } from './codecs/gzip.ts';
import { RecordError } from './recordError.ts';

export { DEFAULT_LEVEL };

function codecFor(codec: number): RecordCodec {
  switch (codec) {
    case Codec.gzip:
      return gzip;
    default:
      throw new RecordError('UNSUPPORTED_COMPRESSION', `compression codec ${codec} is unknown`);
  }
}

/** Compresses a records section. `level` is the codec's own (gzip 1..9 or -1, lz4 1..17, zstd -131072..22), else DEFAULT_LEVEL. */
export function compress(codec: Codec, bytes: Uint8Array, level: number = DEFAULT_LEVEL): Buffer {
  return codecFor(codec).compress(bytes, level);
}

/** Inflates a records section; see RecordCodec.inflate. */
export function inflate(codec: number, bytes: Uint8Array, sizeMaxBytes: number): Buffer {
  return codecFor(codec).inflate(bytes, sizeMaxBytes);
}

/** The records section of the whole batch at `position`: a view where it is not compressed, else inflated. Throws RecordError. */
export function recordsOf(batch: Buffer, position: number, sizeMaxBytes: number): Buffer {
  const section = batch.subarray(position + HEADER_BYTES, position + sizeOf(batch, position));
  const codec = codecIn(attributesOf(batch, position));
  return codec === Codec.none ? section : inflate(codec, section, sizeMaxBytes);
}

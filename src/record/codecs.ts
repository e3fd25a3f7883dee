/** The five compression codecs of Kafka. Libraries load on first use, so that a broker that only stores bytes loads none. */
import { Codec, HEADER_BYTES, attributesOf, codecIn, sizeOf } from './batchHeader.ts';
import { DEFAULT_LEVEL } from './codecs/codec.ts';
import type { RecordCodec } from './codecs/codec.ts';
import { gzip } from './codecs/gzip.ts';
import { nativeLz4, plainLz4, wasmLz4 } from './codecs/lz4.ts';
import { nativeSnappy, plainSnappy } from './codecs/snappy.ts';
import { nativeZstd, wasmZstd } from './codecs/zstd.ts';
import { RecordError } from './recordError.ts';

export { DEFAULT_LEVEL };

/** Kafka's names of the codecs, as in `compression.type`. */
export const CODEC_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

const loaded = new Map<number, RecordCodec>();

/** What can compress and inflate `codec` on this machine, the one in use first. Loads all of them: for tests and benches. */
export function implementationsOf(codec: Codec): RecordCodec[] {
  return candidatesOf(codec).map((load) => load()).filter((implementation) => implementation !== null);
}

function candidatesOf(codec: number): readonly (() => RecordCodec | null)[] {
  switch (codec) {
    case Codec.gzip:
      return [() => gzip];
    case Codec.snappy:
      return [nativeSnappy, plainSnappy];
    case Codec.lz4:
      return [nativeLz4, wasmLz4, () => plainLz4];
    case Codec.zstd:
      return [nativeZstd, wasmZstd];
    default:
      throw new RecordError('UNSUPPORTED_COMPRESSION', `compression codec ${codec} is unknown`);
  }
}

function codecFor(codec: number): RecordCodec {
  let implementation = loaded.get(codec);
  if (implementation === undefined) {
    implementation = firstOf(codec);
    loaded.set(codec, implementation);
  }
  return implementation;
}

function firstOf(codec: number): RecordCodec {
  for (const load of candidatesOf(codec)) {
    const implementation = load();
    if (implementation !== null) return implementation;
  }
  throw new RecordError('UNSUPPORTED_COMPRESSION', `no library for ${CODEC_NAMES[codec]} is installed`);
}

/** Compresses a records section. `level` is the codec's own (gzip 1..9 or -1, lz4 1..17, zstd -131072..22), else DEFAULT_LEVEL. */
export function compress(codec: Codec, bytes: Uint8Array, level: number = DEFAULT_LEVEL): Buffer {
  return codecFor(codec).compress(bytes, level);
}

/** Inflates a records section; see RecordCodec.inflate. `codec` comes from a batch's attributes and may be any number. */
export function inflate(codec: number, bytes: Uint8Array, sizeMaxBytes: number): Buffer {
  return codecFor(codec).inflate(bytes, sizeMaxBytes);
}

/** The records section of the whole batch at `position`: a view where it is not compressed, else inflated. Throws RecordError. */
export function recordsOf(batch: Buffer, position: number, sizeMaxBytes: number): Buffer {
  const section = batch.subarray(position + HEADER_BYTES, position + sizeOf(batch, position));
  const codec = codecIn(attributesOf(batch, position));
  return codec === Codec.none ? section : inflate(codec, section, sizeMaxBytes);
}

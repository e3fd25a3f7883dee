/** Raw snappy, inflated: strict where the library that only compresses is not. */
import { refuseCorrupt } from './library.ts';

const COPY_BYTES_MIN = 48;
/** A copy of three bytes stands for 64; nothing in the format says more with less. */
const EXPANSION_MAX = 22;

/** Bytes that the block in [from, to) says it inflates to. Throws CORRUPT_COMPRESSION where that cannot be. */
export function snappyInflatedBytes(input: Buffer, from: number, to: number): number {
  let value = 0;
  let scale = 1;
  for (let at = from; at < to && at < from + 5; at += 1) {
    value += (input[at]! & 0x7f) * scale;
    scale *= 0x80;
    if (input[at]! < 0x80) {
      if (value > 0xffffffff || value > (to - from) * EXPANSION_MAX) refuseCorrupt('snappy: the declared size cannot be right');
      return value;
    }
  }
  return refuseCorrupt('snappy: no valid size');
}

/** Inflates the block in [from, to) into [outStart, outEnd) of `out`, which must be as large as the block says. */
export function inflateSnappyBlock(input: Buffer, from: number, to: number, out: Buffer, outStart: number, outEnd: number): void {
  let at = from;
  while (input[at]! >= 0x80) at += 1;
  at += 1;
  let outAt = outStart;
  while (at < to) {
    const tag = input[at]!;
    at += 1;
    if ((tag & 3) === 0) {
      let length = tag >>> 2;
      if (length >= 60) {
        const count = length - 59;
        if (count > to - at) refuseCorrupt('snappy: the block ends inside a length');
        length = input.readUIntLE(at, count);
        at += count;
      }
      length += 1;
      if (length > to - at || length > outEnd - outAt) refuseCorrupt('snappy: a literal does not fit');
      if (length < COPY_BYTES_MIN) for (let index = 0; index < length; index += 1) out[outAt + index] = input[at + index]!;
      else input.copy(out, outAt, at, at + length);
      at += length;
      outAt += length;
      continue;
    }
    const offsetBytes = (tag & 3) === 3 ? 4 : tag & 3;
    if (offsetBytes > to - at) refuseCorrupt('snappy: the block ends inside a copy');
    const isShort = offsetBytes === 1;
    const length = isShort ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const offset = isShort ? input[at]! | ((tag >>> 5) << 8) : input.readUIntLE(at, offsetBytes);
    at += offsetBytes;
    if (offset === 0 || offset > outAt - outStart || length > outEnd - outAt) refuseCorrupt('snappy: a copy does not fit');
    for (const end = outAt + length; outAt < end; outAt += 1) out[outAt] = out[outAt - offset]!;
  }
  if (outAt !== outEnd) refuseCorrupt('snappy: the block is shorter than it says');
}

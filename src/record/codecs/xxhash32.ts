const PRIME_1 = 0x9e3779b1;
const PRIME_2 = 0x85ebca77;
const PRIME_3 = 0xc2b2ae3d;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;
const STRIPE_BYTES = 16;

const rotate = (value: number, count: number): number => (value << count) | (value >>> (32 - count));
const wordAt = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
const round = (lane: number, word: number): number => Math.imul(rotate((lane + Math.imul(word, PRIME_2)) | 0, 13), PRIME_1);

/** XXH32 with seed 0 of [start, end), unsigned: the checksum of LZ4 frames. */
export function xxhash32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let at = start;
  let hash = PRIME_5 | 0;
  if (end - start >= STRIPE_BYTES) {
    let one = (PRIME_1 + PRIME_2) | 0;
    let two = PRIME_2 | 0;
    let three = 0;
    let four = -PRIME_1 | 0;
    for (; at <= end - STRIPE_BYTES; at += STRIPE_BYTES) {
      one = round(one, wordAt(bytes, at));
      two = round(two, wordAt(bytes, at + 4));
      three = round(three, wordAt(bytes, at + 8));
      four = round(four, wordAt(bytes, at + 12));
    }
    hash = (rotate(one, 1) + rotate(two, 7) + rotate(three, 12) + rotate(four, 18)) | 0;
  }
  hash = (hash + (end - start)) | 0;
  for (; at <= end - 4; at += 4) hash = Math.imul(rotate((hash + Math.imul(wordAt(bytes, at), PRIME_3)) | 0, 17), PRIME_4);
  for (; at < end; at += 1) hash = Math.imul(rotate((hash + Math.imul(bytes[at]!, PRIME_5)) | 0, 11), PRIME_1);
  return avalanche(hash);
}

function avalanche(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  mixed = Math.imul(mixed ^ (mixed >>> 13), PRIME_3);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

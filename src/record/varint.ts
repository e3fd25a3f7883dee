/** Zig-zag varints as records use them, written. (Reading is inlined in the cursor of iterate.ts.) */

/** Bytes of `value`, an int32, as a varint. */
export function varintBytes(value: number): number {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) return 1;
  if (raw < 0x4000) return 2;
  if (raw < 0x200000) return 3;
  return raw < 0x10000000 ? 4 : 5;
}

/** Writes `value`, an int32; returns the position after it. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let raw = ((value << 1) ^ (value >> 31)) >>> 0;
  if (raw < 0x80) {
    bytes[at] = raw;
    return at + 1;
  }
  let place = at;
  while (raw >= 0x80) {
    bytes[place] = (raw & 0x7f) | 0x80;
    place += 1;
    raw >>>= 7;
  }
  bytes[place] = raw;
  return place + 1;
}

const isInt32 = (value: number): boolean => value >= -0x80000000 && value <= 0x7fffffff;

/** Bytes of `value`, an integer within +-2^52, as a varlong. */
export function varlongBytes(value: number): number {
  if (isInt32(value)) return varintBytes(value);
  let raw = zigZag(value);
  let count = 1;
  for (; raw >= 0x80; raw = Math.floor(raw / 0x80)) count += 1;
  return count;
}

/** Writes `value`, an integer within +-2^52; returns the position after it. */
export function writeVarlong(bytes: Buffer, at: number, value: number): number {
  if (isInt32(value)) return writeVarint(bytes, at, value);
  let raw = zigZag(value);
  let place = at;
  for (; raw >= 0x80; raw = Math.floor(raw / 0x80)) {
    bytes[place] = (raw % 0x80) | 0x80;
    place += 1;
  }
  bytes[place] = raw;
  return place + 1;
}

function zigZag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1;
}

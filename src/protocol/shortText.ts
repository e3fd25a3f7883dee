const SLOTS = 1024;
const LONGEST = 48;

/**
 * Strings seen before, one a slot, last one wins. Topic, group, member and client names come back with every request: finding
 * one here costs a compare instead of a new string, and the string found already carries its hash for map look-ups.
 */
const slots: string[] = /* @__PURE__ */ new Array<string>(SLOTS).fill('');

function slotOf(buffer: Buffer, start: number, length: number): number {
  const end = start + length;
  let hash = Math.imul(length, 31) + buffer[start]!;
  hash = Math.imul(hash, 31) + buffer[end - 1]!;
  hash = Math.imul(hash, 31) + buffer[start + (length >> 1)]!;
  if (length > 4) hash = Math.imul(hash, 31) + buffer[end - 2]! + Math.imul(buffer[end - 3]!, 7);
  return (hash ^ (hash >>> 11)) & (SLOTS - 1);
}

function isAscii(buffer: Buffer, start: number, length: number): boolean {
  for (let i = start; i < start + length; i++) {
    if (buffer[i]! > 0x7f) return false;
  }
  return true;
}

/** Decodes UTF-8; malformed bytes become U+FFFD. The range must lie inside the buffer. */
export function readText(buffer: Buffer, start: number, length: number): string {
  if (length > LONGEST) return buffer.toString('utf8', start, start + length);
  if (length === 0) return '';
  const slot = slotOf(buffer, start, length);
  const known = slots[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === buffer[start + i]) i++;
    if (i === length) return known;
  }
  const text = buffer.toString('utf8', start, start + length);
  // Only ASCII is kept: there a char code is the byte, so that the compare above is exact.
  if (isAscii(buffer, start, length)) slots[slot] = text;
  return text;
}

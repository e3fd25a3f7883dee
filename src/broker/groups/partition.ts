/** `String.hashCode` of Java: over UTF-16 code units, in 32 bits. */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

const SMALLEST_INT32 = -0x80000000;

/** The partition of `__consumer_offsets` that keeps a group, as Kafka computes it: by the absolute value of the hash, 0 for the one without. */
export function partitionFor(groupId: string, partitionCount: number): number {
  const hash = javaHash(groupId);
  return hash === SMALLEST_INT32 ? 0 : Math.abs(hash) % partitionCount;
}

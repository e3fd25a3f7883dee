/** `String.hashCode` of Java: over UTF-16 code units, in 32 bits. */
function javaHash(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The partition of `__consumer_offsets` that keeps a group, as Kafka and its clients' tools compute it. */
export function partitionFor(groupId: string, partitionCount: number): number {
  return (javaHash(groupId) & 0x7fffffff) % partitionCount;
}

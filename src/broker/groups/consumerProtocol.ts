import { Reader } from '../../protocol/reader.ts';

/** Protocol type of groups whose members are consumers. */
export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** A subscription of a hundred thousand topics is the most that we look at. */
const HEAP_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The topics of a consumer's subscription (`ConsumerProtocolSubscription`): a version, then the topics, then what later versions added. Version 0
 * is a prefix of all later ones. Null when the bytes are none.
 */
export function readSubscribedTopics(metadata: Uint8Array): string[] | null {
  const bytes = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.length);
  const reader = new Reader(bytes, 0, bytes.length, HEAP_BYTES_MAX);
  const version = reader.int16();
  const topics = reader.stringArray(false);
  return reader.ok && version >= 0 ? topics : null;
}

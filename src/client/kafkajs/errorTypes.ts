/** What KafkaJS calls the parts of its errors. */
import type { KafkaJSConnectionError, KafkaJSDeleteGroupsError, KafkaJSDeleteTopicRecordsError, KafkaJSNumberOfRetriesExceeded, KafkaJSOffsetOutOfRange } from './errors.ts';

export type { KafkaJSErrorMetadata } from './errors.ts';
export type KafkaJSDeleteGroupsErrorGroups = KafkaJSDeleteGroupsError['groups'][number];
export type KafkaJSDeleteTopicRecordsErrorPartition = KafkaJSDeleteTopicRecordsError['partitions'][number];
export type KafkaJSDeleteTopicRecordsErrorTopic = Pick<KafkaJSDeleteTopicRecordsError, 'partitions'>;
export type KafkaJSConnectionErrorMetadata = NonNullable<ConstructorParameters<typeof KafkaJSConnectionError>[1]>;
export type KafkaJSNumberOfRetriesExceededMetadata = NonNullable<ConstructorParameters<typeof KafkaJSNumberOfRetriesExceeded>[1]>;
export type KafkaJSOffsetOutOfRangeMetadata = NonNullable<ConstructorParameters<typeof KafkaJSOffsetOutOfRange>[1]>;

/** Offsets as KafkaJS writes them: as text. */
export interface PartitionOffset {
  partition: number;
  offset: string;
}

export interface TopicOffsets {
  topic: string;
  partitions: PartitionOffset[];
}

export interface Offsets {
  topics: TopicOffsets[];
}

export interface TopicPartitions {
  topic: string;
  partitions: number[];
}

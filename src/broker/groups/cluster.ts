/** Topics as the cluster knows them now. */
export interface TopicIds {
  idOf(topicName: string): string | undefined;
  nameOf(topicId: string): string | undefined;
}

/** What groups see of the cluster: its present state, which may be another at the next call. */
export interface ClusterView extends TopicIds {
  /** Grows with every change of the cluster. */
  readonly version: number;
  topicNames(): Iterable<string>;
  /** 0: there is no such topic. */
  partitionCountOf(topicName: string): number;
  /** Racks of the brokers that hold a partition; brokers without a rack give none. */
  racksOf(topicName: string, partition: number): readonly string[];
  /** At which level a feature works; 0: not at all. */
  featureLevel(name: string): number;
  /** What was set for one group while running, by key (`consumer.session.timeout.ms`). */
  groupConfigOf(groupId: string): ReadonlyMap<string, string>;
}

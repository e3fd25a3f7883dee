/** What applications in TypeScript do with KafkaJS's types. The surface test compiles this file with KafkaJS and with ours in its place; it never runs. */
import {
  AclOperationTypes, AclPermissionTypes, AclResourceTypes, AssignerProtocol, CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, KafkaJSError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError, logLevel,
  PartitionAssigners, Partitioners, ResourcePatternTypes, type AclEntry, type Admin, type Assignment, type Batch, type Cluster, type Consumer, type ConsumerConfig, type ConsumerCrashEvent, type ConsumerGroupJoinEvent,
  type ConsumerRunConfig, type ConsumerSubscribeTopics, type DescribeConfigResponse, type EachBatchPayload, type EachMessageHandler, type EachMessagePayload, type GroupDescription, type GroupMember,
  type GroupMemberAssignment, type ICustomPartitioner, type IHeaders, type InstrumentationEvent, type ITopicConfig, type KafkaConfig, type KafkaMessage, type LogEntry, type Message, type Offsets,
  type PartitionAssigner, type PartitionMetadata, type Producer, type ProducerBatch, type ProducerConfig, type ProducerRecord, type RecordMetadata, type RetryOptions, type TopicMessages, type TopicPartitionOffset, type Transaction,
} from 'kafkajs';

const retry: RetryOptions = { retries: 8, initialRetryTime: 100, restartOnFailure: async (error: Error) => !error.message.includes('stop') };
const config: KafkaConfig = {
  clientId: 'app', brokers: async () => ['a:9092', 'b:9092'], ssl: true, sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' }, connectionTimeout: 3000, retry, logLevel: logLevel.ERROR,
  logCreator: (level: logLevel) => ({ namespace, label, log }: LogEntry) => void [level, namespace, label, log.message, log.timestamp, log['extra']],
};

export class Orders {
  private readonly kafka = new Kafka(config);
  private readonly producer: Producer;
  private readonly consumer: Consumer;
  private readonly admin: Admin;
  private joined: string[] = [];

  constructor(producerConfig: ProducerConfig, consumerConfig: ConsumerConfig) {
    const byKey: ICustomPartitioner = () => ({ topic, partitionMetadata, message }) => (topic + String(message.key)).length % partitionMetadata.length;
    this.producer = this.kafka.producer({ ...producerConfig, createPartitioner: producerConfig.idempotent === true ? Partitioners.LegacyPartitioner : byKey });
    this.consumer = this.kafka.consumer({ ...consumerConfig, partitionAssigners: [inOrder, PartitionAssigners.roundRobin] });
    this.admin = this.kafka.admin({ retry });
    this.listen();
  }

  private listen(): void {
    const { CRASH, GROUP_JOIN, HEARTBEAT, FETCH, REQUEST, END_BATCH_PROCESS } = this.consumer.events;
    this.consumer.on(CRASH, async ({ payload: { error, groupId, restart } }: ConsumerCrashEvent) => void [error.message, groupId, restart]);
    this.consumer.on(GROUP_JOIN, (event: ConsumerGroupJoinEvent) => {
      this.joined = Object.keys(event.payload.memberAssignment);
    });
    const removers: (() => void)[] = [
      this.consumer.on(HEARTBEAT, ({ timestamp, payload }) => void [timestamp, payload.groupId]), this.consumer.on(FETCH, (event) => void event.payload.numberOfBatches),
      this.consumer.on(END_BATCH_PROCESS, ({ payload }) => void [payload.batchSize, payload.duration, payload.offsetLag]),
      this.consumer.on(REQUEST, ({ payload }) => void [payload.apiName, payload.broker, payload.duration]), this.producer.on('producer.connect', () => {}),
    ];
    const events: InstrumentationEvent<unknown>[] = [];
    this.producer.on(this.producer.events.DISCONNECT, (event) => void events.push(event));
    removers.forEach((remove) => remove());
  }

  async send(messages: Message[]): Promise<number> {
    const headers: IHeaders = { origin: 'shop', many: ['a', Buffer.from('b')] };
    const record: ProducerRecord = { topic: 'orders', acks: -1, timeout: 1000, compression: CompressionTypes.GZIP, messages: messages.map((message) => ({ ...message, headers })) };
    const [first]: RecordMetadata[] = await this.producer.send(record);
    const topicMessages: TopicMessages[] = [{ topic: 'orders', messages }];
    const batch: ProducerBatch = { topicMessages };
    await this.producer.sendBatch(batch);
    const transaction: Transaction = await this.producer.transaction();
    const offsets: Offsets = { topics: [{ topic: 'orders', partitions: [{ partition: 0, offset: '5' }] }] };
    try {
      await transaction.send({ topic: 'copies', messages });
      await transaction.sendOffsets({ consumerGroupId: 'g', ...offsets });
      await transaction.commit();
    } catch (error) {
      await transaction.abort();
      if (error instanceof KafkaJSNumberOfRetriesExceeded) console.error(error.retryCount, error.retryTime);
      if (error instanceof KafkaJSProtocolError) console.error(error.type, error.code, error.retriable);
      if (error instanceof KafkaJSError) console.error(error.name, error.helpUrl);
      throw error;
    }
    return Number(first?.baseOffset ?? '-1');
  }

  async consume(): Promise<void> {
    const subscription: ConsumerSubscribeTopics = { topics: ['orders', /^more-.*/], fromBeginning: true };
    await this.consumer.subscribe(subscription);
    const eachMessage: EachMessageHandler = async ({ topic, partition, message, heartbeat, pause }: EachMessagePayload) => {
      const { key, value, timestamp, offset, headers }: KafkaMessage = message;
      const origin = headers?.['origin'];
      console.log(`${topic}[${partition} | ${offset}] / ${timestamp} ${key?.toString()}#${value?.toString()} ${String(origin)}`);
      await heartbeat();
      setTimeout(pause(), 1000);
    };
    const run: ConsumerRunConfig = { autoCommitInterval: 5000, partitionsConsumedConcurrently: 3, eachMessage };
    await this.consumer.run(run);
    await this.consumer.run({ eachBatchAutoResolve: false, eachBatch: async (payload: EachBatchPayload) => this.handle(payload.batch, payload) });
    const place: TopicPartitionOffset = { topic: 'orders', partition: 0, offset: '12' };
    this.consumer.seek(place);
    await this.consumer.commitOffsets([{ ...place, metadata: null }]);
    this.consumer.pause([{ topic: 'orders', partitions: this.consumer.paused().flatMap(({ partitions }) => partitions) }]);
    this.consumer.resume([{ topic: 'orders' }]);
    const { state, members }: GroupDescription = await this.consumer.describeGroup();
    if (state === 'Stable') console.log(members.map(({ memberId, memberMetadata }) => [memberId, AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics]));
  }

  private async handle(batch: Batch, { resolveOffset, isRunning, isStale, commitOffsetsIfNecessary, uncommittedOffsets, heartbeat }: EachBatchPayload): Promise<void> {
    for (const message of batch.messages) {
      if (!isRunning() || isStale()) break;
      resolveOffset(message.offset);
      await heartbeat();
    }
    const { topics } = uncommittedOffsets();
    await commitOffsetsIfNecessary({ topics });
    console.log(batch.highWatermark, batch.firstOffset()?.length, batch.lastOffset(), batch.offsetLag(), batch.isEmpty());
  }

  async administer(): Promise<void> {
    const topics: ITopicConfig[] = [{ topic: 'orders', numPartitions: 3, replicationFactor: 1, configEntries: [{ name: 'cleanup.policy', value: 'compact' }], replicaAssignment: [{ partition: 0, replicas: [1] }] }];
    const isNew: boolean = await this.admin.createTopics({ topics, waitForLeaders: true, timeout: 5000, validateOnly: false });
    const metadata: { topics: { name: string; partitions: PartitionMetadata[] }[] } = await this.admin.fetchTopicMetadata({ topics: ['orders'] });
    const described: DescribeConfigResponse = await this.admin.describeConfigs({ includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: 'orders', configNames: ['cleanup.policy'] }] });
    const text: string[] = described.resources.flatMap(({ configEntries }) => configEntries.map(({ configName, configValue }) => configName + configValue.length));
    const acl: AclEntry = { resourceType: AclResourceTypes.TOPIC, resourceName: 'orders', resourcePatternType: ResourcePatternTypes.LITERAL, principal: 'User:a', host: '*', operation: AclOperationTypes.ALL, permissionType: AclPermissionTypes.DENY };
    await this.admin.createAcls({ acl: [acl] });
    const { resources } = await this.admin.describeAcls({ resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY, operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY });
    await this.admin.deleteAcls({ filters: resources.flatMap(({ acls, ...resource }) => acls.map((entry) => ({ ...resource, ...entry }))) });
    const [entry] = await this.admin.fetchTopicOffsets('orders');
    await this.admin.setOffsets({ groupId: 'g', topic: 'orders', partitions: [{ partition: entry?.partition ?? 0, offset: entry?.high ?? '0' }] });
    const { brokers, controller } = await this.admin.describeCluster();
    await this.admin.alterPartitionReassignments({ topics: [{ topic: 'orders', partitionAssignment: [{ partition: 0, replicas: brokers.map(({ nodeId }) => nodeId) }] }] });
    const { topics: moving } = await this.admin.listPartitionReassignments({ topics: [{ topic: 'orders', partitions: [0] }] });
    const { groups } = await this.admin.listGroups();
    const results = await this.admin.deleteGroups(groups.map(({ groupId }) => groupId));
    console.log(isNew, metadata.topics[0]?.partitions[0]?.isr.length, text, controller, moving[0]?.partitions[0]?.partitionIndex, results[0]?.errorCode);
  }

  async close(): Promise<void> {
    await Promise.all([this.consumer.stop(), this.producer.disconnect(), this.admin.disconnect()]);
    await this.consumer.disconnect();
    this.kafka.logger().namespace('App').info('closed', { joined: this.joined });
  }
}

const inOrder: PartitionAssigner = ({ cluster }: { cluster: Cluster }) => ({
  name: 'InOrder',
  version: 1,
  async assign({ members, topics }: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]> {
    const assignment: Assignment = {};
    for (const topic of topics.sort()) assignment[topic] = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
    return members.map(({ memberId }, place) => ({ memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment: place === 0 ? assignment : {}, userData: Buffer.alloc(0) }) }));
  },
  protocol({ topics }) {
    return { name: this.name, metadata: AssignerProtocol.MemberMetadata.encode({ version: this.version, topics, userData: Buffer.alloc(0) }) };
  },
});

CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: async (encoder: { buffer: Buffer }) => encoder.buffer, decompress: async (buffer: Buffer) => buffer });

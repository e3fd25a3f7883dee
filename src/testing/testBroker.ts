import { silentLogger, systemRandom } from '../base/systemPorts.ts';
import type { Disk } from '../base/disk.ts';
import type { Logger } from '../base/ports.ts';
import type { Network } from '../base/wire.ts';
import type { Broker } from '../broker/index.ts';
import { validateBrokerConfig } from '../config/brokerConfig.ts';
import { KafkaError } from '../protocol/errors.ts';
import { MemoryDisk } from '../storage/disk/memory.ts';
import { startNode, type Node } from '../node/index.ts';
import { Faults, type Fault, type ScriptedFault } from './faults.ts';
import { keepCode } from './keptCode.ts';
import { MovableClock } from './movableClock.ts';
import { recordsIn, type RecordedRecord } from './recordedTopic.ts';

export interface TestTopic {
  readonly partitions?: number;
  /** Kafka's topic settings, such as `{ 'retention.ms': '1000' }`. */
  readonly configs?: Readonly<Record<string, string>>;
}

export interface TestBrokerOptions {
  /** Absent: in memory, nothing is left behind. A folder: on disk, under that path. */
  readonly folder?: string;
  /** Port of 127.0.0.1; absent: a free one. */
  readonly port?: number;
  /** Topics that are there from the start, by name. */
  readonly topics?: Readonly<Record<string, TestTopic>>;
  /** Kafka's broker settings, such as `{ 'num.partitions': '3' }`. They come before what suits a test: no wait before a group's first rebalance. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Absent: nothing is logged. */
  readonly logger?: Logger;
  /** A network inside the process; absent: TCP on the loopback. */
  readonly network?: Network;
}

const HOST = '127.0.0.1';
const MEMORY_FOLDER = '/tidelog';
/** What a whole cluster would do in the background, and a test waits for in vain. */
const FOR_TESTS: Readonly<Record<string, string>> = {
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'log.initial.task.delay.ms': '0',
};
const WAIT_MS_DEFAULT = 5_000;
const LOOK_AGAIN_MS = 2;

/** Starts a whole broker in this process, on a free port: any Kafka client can connect to `bootstrap`. */
export async function startBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = new TestBroker(options);
  await broker.open();
  return broker;
}

/** A broker for a test. Made by `startBroker`. */
export class TestBroker {
  /** Moves the broker's time: retention, sessions, timeouts. */
  readonly clock = new MovableClock();
  readonly #options: TestBrokerOptions;
  readonly #faults: Faults;
  #disk: MemoryDisk | null;
  #node: Node | null = null;
  #port: number;

  /** Use `startBroker`. */
  constructor(options: TestBrokerOptions) {
    this.#options = options;
    this.#faults = new Faults(this.clock);
    this.#disk = options.folder === undefined ? this.#newDisk() : null;
    this.#port = options.port ?? 0;
  }

  #newDisk(): MemoryDisk {
    return new MemoryDisk({ random: systemRandom });
  }

  /** For `startBroker`. */
  async open(): Promise<void> {
    const { folder, logger = silentLogger, network, settings = {}, topics = {} } = this.#options;
    const all = { ...FOR_TESTS, 'listeners': `PLAINTEXT://${HOST}:${this.#port}`, ...settings, 'log.dirs': folder ?? MEMORY_FOLDER };
    const { config } = validateBrokerConfig(Object.entries(all).map(([key, value]) => ({ key, value, origin: 'startBroker' })));
    this.#node = await startNode({
      config,
      ports: { clock: this.clock, random: systemRandom, logger },
      sinkBefore: (broker) => this.#faults.standBefore(broker),
      ...(this.#disk === null ? {} : { disk: this.#disk as Disk }),
      ...(network === undefined ? {} : { network }),
    });
    this.#port = this.#node.listeners[0]!.port;
    for (const [name, topic] of Object.entries(topics)) if (this.#broker.services.partitions.topic(name) === undefined) await this.createTopic(name, topic);
  }

  get #running(): Node {
    if (this.#node === null) throw new Error('the broker is closed');
    return this.#node;
  }

  get #broker(): Broker {
    return this.#running.broker;
  }

  /** `host:port`, for any client. */
  get bootstrap(): string {
    return `${HOST}:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Where metrics are, when the settings name `tidelog.http.listener`. */
  get http(): Node['http'] {
    return this.#running.http;
  }

  /** Rejects with KafkaError, such as TOPIC_ALREADY_EXISTS. */
  async createTopic(name: string, { partitions = 1, configs = {} }: TestTopic = {}): Promise<void> {
    const { metadata, partitions: table } = this.#broker.services;
    const wanted = { name, partitions, replicationFactor: 1, assignments: new Map<number, number[]>(), configs: new Map(Object.entries(configs)) };
    const [outcome] = await metadata.controller.createTopics([wanted], false);
    if (outcome!.code !== 0) throw new KafkaError(outcome!.code, outcome!.message);
    await table.whenSettled(name);
  }

  /** What is in a topic now, by partition and offset. */
  records(topic: string): RecordedRecord[] {
    return recordsIn(this.#broker, topic);
  }

  /** Resolves with the records of a topic once there are `count`. Rejects after `timeoutMs` of real time, and says how many came. */
  async waitForRecords(topic: string, count: number, timeoutMs = WAIT_MS_DEFAULT): Promise<RecordedRecord[]> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      const records = this.records(topic);
      if (records.length >= count) return records;
      if (performance.now() > endMs) throw new Error(`${records.length} of ${count} records came to ${topic} within ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /** The groups that the broker knows, with their types and states. */
  groups(): { readonly groupId: string; readonly groupType: string; readonly groupState: string }[] {
    const listed = this.#broker.services.groupCoordinator.list({ states: [], types: [] });
    return typeof listed === 'number' ? [] : listed;
  }

  /** What happens to the next requests of some kind. Throws RangeError where Kafka has no such API or error. */
  inject(fault: Fault): ScriptedFault {
    return this.#faults.add(fault);
  }

  /** Members of groups learn at their next heartbeat that they have to join anew: once for each of the `members` that heartbeat first. */
  rebalance(members = 1): void {
    this.#faults.add({ api: 'Heartbeat', outcome: 'REBALANCE_IN_PROGRESS', times: members });
    this.#faults.add({ api: 'ConsumerGroupHeartbeat', outcome: 'FENCED_MEMBER_EPOCH', times: members });
  }

  /** The next fsync fails, and its log directory goes offline, as Kafka does. In memory only. */
  failNextSync(): void {
    this.#memory('failing fsync').failNextSync();
  }

  /** From now on so many bytes fit on the disk. In memory only. */
  limitDisk(capacityBytes: number): void {
    this.#memory('a full disk').files.capacityBytes = capacityBytes;
  }

  #memory(what: string): MemoryDisk {
    if (this.#disk === null) throw new Error(`${what} can be played in memory only: leave out the folder`);
    return this.#disk;
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Stops in order and starts again on the same port with the same data. */
  async restart(): Promise<void> {
    await this.#stop();
    await this.open();
  }

  /** Ends as if the power had gone, and starts again: what was not on the medium may be gone. In memory only. */
  async crash(): Promise<void> {
    const survivor = this.#memory('a crash').crash();
    const node = this.#running;
    this.#node = null;
    // Its disk is gone: it can only let go of its port.
    await node.close(0).catch(() => {});
    this.#disk = survivor;
    await this.open();
  }

  async close(): Promise<void> {
    await this.#stop();
    keepCode();
  }

  async #stop(): Promise<void> {
    const node = this.#node;
    this.#node = null;
    await node?.close(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

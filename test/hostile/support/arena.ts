/** A broker process, a bystander who produces all the while, and attacks that neither of them may feel. */
import { expect } from 'vitest';
import { makeCreatableTopic, makeCreatableTopicConfig, makeCreateTopicsRequest } from '../../../src/protocol/generated/createTopics.ts';
import { CreateTopics } from '../../broker/support/apis.ts';
import { startBroker, type BrokerOptions, type BrokerProcess } from '../../support/brokerProcess.ts';
import { Bystander } from './bystander.ts';
import { MemoryWatch } from './processMemory.ts';
import { connect, type RawClient } from './rawClient.ts';

const CALM_TOPIC = 'calm';
/** What the bystander must get while the attacker's connections are still there. */
const ACKS_MIN = 5;
/** Code that runs for the first time, the collector's moods. */
const GROWTH_MIB_MAX = 64;

export interface AttackLimits {
  /** How much more memory the broker may hold at the worst moment. */
  readonly growthMibMax?: number;
  /** Acks that the bystander must have got from the first byte of the attack to its end, for attacks that take the broker some time. */
  readonly acksDuringMin?: number;
}

export class Arena {
  readonly broker: BrokerProcess;
  readonly bystander: Bystander;
  readonly #clients: RawClient[] = [];
  readonly #expectedErrors: RegExp[] = [];

  private constructor(broker: BrokerProcess, bystander: Bystander) {
    this.broker = broker;
    this.bystander = bystander;
  }

  static async open(options: BrokerOptions = {}): Promise<Arena> {
    const broker = await startBroker({ ...options, overrides: { 'num.partitions': 1, 'offsets.topic.num.partitions': 1, ...options.overrides } });
    const client = await connect(broker.port);
    await createTopic(client, CALM_TOPIC);
    await client.close();
    return new Arena(broker, await Bystander.start(broker.port, CALM_TOPIC));
  }

  /** A connection that is closed at the end of the attack. */
  async connect(): Promise<RawClient> {
    const client = await connect(this.broker.port);
    this.#clients.push(client);
    return client;
  }

  /** Errors in the broker's log that an attack is to cause. */
  expectErrors(pattern: RegExp): void {
    this.#expectedErrors.push(pattern);
  }

  /** Runs the attack, then sees that the bystander goes on while its connections are still open, and that memory stayed within bounds. */
  async attack<T>(run: () => Promise<T>, limits: AttackLimits = {}): Promise<T> {
    const memory = new MemoryWatch(this.broker.pid);
    const before = this.bystander.acks;
    this.bystander.takeLongestWaitMs();
    try {
      const outcome = await run();
      expect(this.bystander.acks - before).toBeGreaterThanOrEqual(limits.acksDuringMin ?? 0);
      await this.bystander.moreAcks(ACKS_MIN);
      memory.stop();
      this.#tell(memory);
      expect(memory.grownMib).toBeLessThan(limits.growthMibMax ?? GROWTH_MIB_MAX);
      return outcome;
    } finally {
      memory.stop();
      for (const client of this.#clients.splice(0)) await client.close();
    }
  }

  /** Figures for whoever wants them: TIDELOG_TEST_FIGURES=1. */
  #tell({ startMib, peakMib }: MemoryWatch): void {
    if (process.env['TIDELOG_TEST_FIGURES'] !== '1') return;
    const { currentTestName } = expect.getState();
    console.log(`${currentTestName}: memory ${startMib.toFixed(0)} -> ${peakMib.toFixed(0)} MiB; ack after at most ${this.bystander.takeLongestWaitMs().toFixed(0)} ms`);
  }

  /** What the broker said that nobody expected. */
  get unexpectedErrors(): string[] {
    const lines = this.broker.output().split('\n').filter((line) => / ERROR /.test(line));
    return lines.filter((line) => !this.#expectedErrors.some((pattern) => pattern.test(line)));
  }

  /** The bystander lost nothing, the broker complained of nothing and stops in order. */
  async close(): Promise<void> {
    try {
      await this.bystander.stop();
      expect(this.unexpectedErrors).toEqual([]);
      expect(await this.broker.kill('SIGTERM')).toBe(0);
    } finally {
      await this.broker.close();
    }
  }
}

export async function createTopic(client: RawClient, name: string, configs: Readonly<Record<string, string>> = {}, partitions = 1): Promise<void> {
  const topic = makeCreatableTopic({
    name, numPartitions: partitions, replicationFactor: 1,
    configs: Object.entries(configs).map(([key, value]) => makeCreatableTopicConfig({ name: key, value })),
  });
  const response = await client.call(CreateTopics, 5, makeCreateTopicsRequest({ topics: [topic], timeoutMs: 30_000 }));
  expect(response.topics.map(({ errorCode, errorMessage }) => ({ errorCode, errorMessage }))).toEqual([{ errorCode: 0, errorMessage: null }]);
}

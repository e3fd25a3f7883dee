import { silentLogger } from '../../../src/base/systemPorts.ts';
import type { Logger, Random } from '../../../src/base/ports.ts';
import type { Network } from '../../../src/base/wire.ts';
import { Cluster, type ClusterOptions } from '../../../src/client/core/cluster.ts';
import { createLoopbackNetwork } from '../../../src/net/loopback.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeMetadataResponseBroker, makeMetadataResponsePartition, makeMetadataResponseTopic } from '../../../src/protocol/generated/metadata.ts';
import { FakeBroker } from './fakeBroker.ts';
import { FakeClock } from './fakeClock.ts';

/** Numbers from a seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return { next, below: (bound) => Math.floor(next() * bound), bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)) };
}

export function makeCluster(network: Network, clock: FakeClock, ports: readonly number[], options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    bootstrap: ports.map((port) => ({ host: '127.0.0.1', port })), clientId: 'test', network, clock, random: seededRandom(7), logger: silentLogger,
    requestTimeoutMs: 5000, apiTimeoutMs: 20_000, connectTimeoutMs: 1000, retryBackoffMs: 50, retryBackoffMaxMs: 400, metadataMaxAgeMs: 60_000, softwareVersion: '1', ...options,
  });
}

export interface World {
  readonly clock: FakeClock;
  readonly network: Network;
  readonly broker: FakeBroker;
  readonly cluster: Cluster;
  readonly topics: Map<string, number>;
}

/** One broker, number 1, that leads all partitions of `topics` and knows metadata; the rest is the test's. */
export async function makeWorld(topics: Record<string, number> = {}, options: Partial<ClusterOptions> = {}): Promise<World> {
  const clock = new FakeClock();
  const network = createLoopbackNetwork();
  const broker = await new FakeBroker().listen(network);
  const known = new Map(Object.entries(topics));
  broker.on('Metadata', ({ body }) => ({ answer: metadataOf(broker.port, known, body.topics as { name: string }[] | null) }));
  return { clock, network, broker, topics: known, cluster: makeCluster(network, clock, [broker.port], options) };
}

export function metadataOf(port: number, topics: ReadonlyMap<string, number>, asked: readonly { readonly name: string }[] | null): Record<string, unknown> {
  const names = asked?.map(({ name }) => name) ?? [...topics.keys()];
  return {
    brokers: [makeMetadataResponseBroker({ nodeId: 1, host: '127.0.0.1', port })], controllerId: 1,
    topics: names.map((name) => {
      const count = topics.get(name);
      const partition = (partitionIndex: number) => makeMetadataResponsePartition({ partitionIndex, leaderId: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1] });
      return makeMetadataResponseTopic({
        name, isInternal: name.startsWith('__'), errorCode: count === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.NONE,
        partitions: Array.from({ length: count ?? 0 }, (_, index) => partition(index)),
      });
    }),
  };
}

/** A logger that keeps its lines. */
export function noteLogger(lines: string[]): Logger {
  const note = (message: string) => void lines.push(message);
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  return logger;
}

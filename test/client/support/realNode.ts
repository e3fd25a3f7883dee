import type { Network } from '../../../src/base/wire.ts';
import { clientClock } from '../../../src/client/clientClock.ts';
import { Cluster, type ClusterOptions } from '../../../src/client/core/cluster.ts';
import { silentLogger, systemRandom } from '../../../src/base/systemPorts.ts';
import { validateBrokerConfig } from '../../../src/config/brokerConfig.ts';
import { createLoopbackNetwork } from '../../../src/net/loopback.ts';
import { startNode, type Node } from '../../../src/node/index.ts';
import { MemoryDisk } from '../../../src/storage/disk/index.ts';
import { MemoryFiles } from '../../../src/storage/disk/memoryFiles.ts';

/** A whole broker of ours inside the test: loopback network, disk in memory. */
export class RealNode {
  readonly network: Network = createLoopbackNetwork();
  readonly port = 9092;
  readonly address = `127.0.0.1:${this.port}`;
  readonly #files = new MemoryFiles();
  readonly #settings: Readonly<Record<string, string>>;
  #node: Node | null = null;
  readonly #clusters: Cluster[] = [];

  constructor(settings: Readonly<Record<string, string>> = {}) {
    this.#settings = settings;
  }

  async start(): Promise<this> {
    const settings = {
      listeners: `PLAINTEXT://127.0.0.1:${this.port}`, 'log.dirs': '/data', 'offsets.topic.num.partitions': '1', 'group.initial.rebalance.delay.ms': '0',
      'group.min.session.timeout.ms': '100', ...this.#settings,
    };
    const { config } = validateBrokerConfig(Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' })));
    this.#node = await startNode({ config, network: this.network, disk: new MemoryDisk({ random: systemRandom }, this.#files) });
    return this;
  }

  /** In order; what was written stays for the next `start`. */
  async stop(): Promise<void> {
    await this.#node?.close(0);
    this.#node = null;
  }

  connect(options: Partial<ClusterOptions> = {}): Cluster {
    const cluster = new Cluster({
      bootstrap: [{ host: '127.0.0.1', port: this.port }], clientId: 'test', network: this.network, clock: clientClock, random: systemRandom, logger: silentLogger,
      requestTimeoutMs: 5000, apiTimeoutMs: 10_000, connectTimeoutMs: 1000, retryBackoffMs: 5, retryBackoffMaxMs: 50, metadataMaxAgeMs: 60_000, softwareVersion: '1', ...options,
    });
    this.#clusters.push(cluster);
    return cluster;
  }

  async close(): Promise<void> {
    for (const cluster of this.#clusters) cluster.close();
    await this.stop();
  }
}

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { createLoopbackNetwork } from '../../src/net/index.ts';
import { startNode, type Node } from '../../src/node/index.ts';
import { BatchBuilder } from '../../src/record/build.ts';

let folder = '';
let node: Node | null = null;
afterEach(async () => {
  await node?.close(0);
  node = null;
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<string> {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-operations-'));
  const settings = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': folder, 'tidelog.http.listener': '127.0.0.1:0' };
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' }));
  node = await startNode({ config: validateBrokerConfig(entries).config, network: createLoopbackNetwork() });
  return `http://127.0.0.1:${node.http!.port}`;
}

/** The value of the series whose name and labels are `series`, as Prometheus would read it. */
function valueOf(page: string, series: string): number | undefined {
  const line = page.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

describe('the HTTP listener', () => {
  it('tells what dashboards made for Kafka ask for', async () => {
    const base = await start();
    const { services } = node!.broker;
    const { controller } = services.metadata;
    await controller.createTopics([{ name: 'orders', partitions: 2, replicationFactor: 1, assignments: new Map(), configs: new Map() }], false);
    await services.partitions.whenSettled('orders');
    const builder = new BatchBuilder();
    for (const value of ['a', 'b', 'c']) builder.append(null, Buffer.from(value), null, Date.now());
    const bytes = builder.close({});
    const partition = services.partitions.find('orders', 1)!;
    await new Promise<void>((resolve) => partition.append(bytes, 'client', () => resolve()));
    partition.topic.traffic.noteProduced(3, bytes.length);
    const response = await fetch(`${base}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const page = await response.text();
    expect(valueOf(page, 'kafka_server_brokertopicmetrics_messagesin_total{topic="orders"}')).toBe(3);
    expect(valueOf(page, 'kafka_server_brokertopicmetrics_messagesin_total')).toBe(3);
    expect(valueOf(page, 'kafka_log_log_logendoffset{topic="orders",partition="1"}')).toBe(3);
    expect(valueOf(page, 'kafka_log_log_size{topic="orders",partition="1"}')).toBe(bytes.length);
    expect(valueOf(page, 'kafka_controller_kafkacontroller_activecontrollercount')).toBe(1);
    expect(valueOf(page, 'kafka_server_replicamanager_leadercount')).toBe(2);
    expect(valueOf(page, 'kafka_server_replicamanager_underreplicatedpartitions')).toBe(0);
    expect(page).toContain('nodejs_eventloop_lag_seconds');
    // Counters start from what they are, at each scrape.
    expect(valueOf(await (await fetch(`${base}/metrics`)).text(), 'kafka_server_brokertopicmetrics_messagesin_total')).toBe(3);
  });

  it('says whether the broker lives and serves', async () => {
    const base = await start();
    expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'ok', logDirs: [{ path: folder, online: true }] });
    const ready = await fetch(`${base}/ready`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'running' }]);
  });
});

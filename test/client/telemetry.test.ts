import { afterEach, describe, expect, it } from 'vitest';
import { decodeMetrics, type PushedPoint } from '../../src/broker/telemetry/otlp.ts';
import { createClient, type Client, type ClientOptions } from '../../src/client/index.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { Codec } from '../../src/record/batchHeader.ts';
import { inflate } from '../../src/record/codecs.ts';
import { makeWorld, type World } from './support/cluster.ts';

interface Push {
  readonly clientInstanceId: string;
  readonly subscriptionId: number;
  readonly terminating: boolean;
  readonly compressionType: number;
  readonly metrics: Buffer;
}

const INSTANCE = 'abcdefghijklmnopqrstug';
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Bench extends World {
  readonly client: Client;
  readonly pushes: Push[];
  pushed(count: number): Promise<void>;
}

async function makeBench(subscription: Record<string, unknown>, options: Partial<ClientOptions> = {}, answers: number[] = []): Promise<Bench> {
  const world = await makeWorld({ t: 1 });
  const pushes: Push[] = [];
  let asked = 0;
  world.broker.on('GetTelemetrySubscriptions', () => {
    asked += 1;
    return { answer: { clientInstanceId: INSTANCE, subscriptionId: asked, acceptedCompressionTypes: [], pushIntervalMs: 20, telemetryMaxBytes: 100_000, deltaTemporality: true, requestedMetrics: ['*'], ...subscription } };
  });
  world.broker.on('PushTelemetry', ({ body }) => {
    pushes.push(body as unknown as Push);
    return { answer: { errorCode: answers.shift() ?? ErrorCode.NONE } };
  });
  const client = createClient({ bootstrap: `127.0.0.1:${world.broker.port}`, network: world.network, ...options });
  closers.push(async () => {
    await client.close();
    world.cluster.close();
    await world.broker.stop();
  });
  const pushed = async (count: number): Promise<void> => {
    while (pushes.length < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { ...world, client, pushes, pushed };
}

const pointsOf = ({ compressionType, metrics }: Push): Promise<PushedPoint[]> => decodeMetrics(compressionType === Codec.none ? metrics : inflate(compressionType, metrics, 1_000_000), 1000);

describe('metrics that a broker asks for', () => {
  it('are pushed by themselves, under Kafka\'s names, and a last time when the client closes', async () => {
    const { client, pushes, pushed, broker } = await makeBench({ requestedMetrics: ['org.apache.kafka.admin.client.'] });
    await client.admin.listTopics();
    expect(await client.clientInstanceId()).toBe(INSTANCE);
    await client.admin.listTopics();
    await pushed(2);
    expect(broker.asked('GetTelemetrySubscriptions').length).toBe(1);
    await client.close();
    expect(pushes.map(({ terminating }) => terminating)).toEqual([...pushes.slice(1).map(() => false), true]);
    expect(pushes[0]).toMatchObject({ clientInstanceId: INSTANCE, subscriptionId: 1, compressionType: 0 });
    const points = await pointsOf(pushes[0]!);
    // a push tells of the requests since the one before: on a slow machine the first may come before any has ended
    const names = (await Promise.all(pushes.map(pointsOf))).flat().map(({ name }) => name);
    expect(names).toContain('org.apache.kafka.admin.client.node.request.latency.avg');
    expect(points.find(({ name }) => name === 'org.apache.kafka.admin.client.connection.creation.total')).toMatchObject({ value: 1, isDelta: true });
    // what was added since: nothing
    expect((await pointsOf(pushes[1]!)).find(({ name }) => name === 'org.apache.kafka.admin.client.connection.creation.total')).toMatchObject({ value: 0 });
  });

  it('name what they are asked for only, compressed as the broker takes it', async () => {
    const { client, pushes, pushed } = await makeBench({ requestedMetrics: ['org.apache.kafka.producer.connection.'], acceptedCompressionTypes: [9, Codec.gzip], deltaTemporality: false });
    client.producer();
    await client.admin.listTopics();
    await pushed(2);
    expect(pushes[0]!.compressionType).toBe(Codec.gzip);
    for (const push of pushes.slice(0, 2)) {
      const points = await pointsOf(push);
      expect(points.map(({ name }) => name)).toEqual(['org.apache.kafka.producer.connection.creation.rate', 'org.apache.kafka.producer.connection.creation.total']);
      expect(points[1]).toMatchObject({ value: 1, isDelta: false });
    }
  });

  it('are asked for anew when the subscription has changed, and go uncompressed where the codec is refused', async () => {
    const { client, pushes, pushed } = await makeBench({ acceptedCompressionTypes: [Codec.gzip] }, {}, [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, ErrorCode.UNKNOWN_SUBSCRIPTION_ID]);
    await client.admin.listTopics();
    await pushed(3);
    expect(pushes.slice(0, 3).map(({ subscriptionId, compressionType }) => [subscriptionId, compressionType])).toEqual([[1, Codec.gzip], [1, Codec.none], [2, Codec.none]]);
  });

  it('are not measured where nobody asks, and nothing is asked where the application does not want it', async () => {
    const none = await makeBench({ requestedMetrics: [] });
    await none.client.admin.listTopics();
    await none.client.clientInstanceId();
    await none.client.close();
    expect(none.pushes).toEqual([]);
    const off = await makeBench({}, { metricsPush: false });
    await off.client.admin.listTopics();
    await expect(off.client.clientInstanceId()).rejects.toThrow('metricsPush is false');
    await off.client.close();
    expect(off.broker.asked('GetTelemetrySubscriptions')).toEqual([]);
    const old = await makeBench({});
    old.broker.missing.add('GetTelemetrySubscriptions');
    await old.client.admin.listTopics();
    await expect(old.client.clientInstanceId()).rejects.toThrow('offers no version of API 71');
  });

  it('do not hold up closing when the broker is silent', async () => {
    const { client, broker, pushes, pushed } = await makeBench({});
    await client.admin.listTopics();
    await pushed(1);
    broker.on('PushTelemetry', () => 'silence');
    await client.close();
    expect(pushes.length).toBeGreaterThan(0);
  });
});

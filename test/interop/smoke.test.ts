import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type BrokerProcess } from './support/broker.ts';
import { run } from './support/run.ts';

const require = createRequire(import.meta.url);
const { Kafka, logLevel, CompressionTypes } = require('kafkajs') as typeof import('kafkajs');

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker?.close();
});

describe('kcat', () => {
  it('lists, produces and consumes with keys and headers', async () => {
    const input = Array.from({ length: 1000 }, (_, n) => `key-${n}:value ${n} ü 𝄞`).join('\n') + '\n';
    const produced = await run('kcat', ['-b', broker.address, '-P', '-t', 'kcat-topic', '-K', ':', '-H', 'origin=kcat'], { input });
    expect(produced.stderr).not.toMatch(/ERROR|failed/i);
    expect(produced.code).toBe(0);
    const consumed = await run('kcat', ['-b', broker.address, '-C', '-t', 'kcat-topic', '-e', '-o', 'beginning', '-f', '%k:%s %h %o\n']);
    const lines = consumed.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(1000);
    expect(lines[0]).toBe('key-0:value 0 ü 𝄞 origin=kcat 0');
    expect(lines[999]).toBe('key-999:value 999 ü 𝄞 origin=kcat 999');
    const listed = await run('kcat', ['-b', broker.address, '-L', '-t', 'kcat-topic']);
    expect(listed.stdout).toContain('topic "kcat-topic" with 1 partitions');
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('round trip with codec %s', async (codec) => {
    const input = Array.from({ length: 5000 }, (_, n) => `line ${n} of a text that compresses well`).join('\n') + '\n';
    const topic = `codec-${codec}`;
    const produced = await run('kcat', ['-b', broker.address, '-P', '-t', topic, '-z', codec, '-X', 'linger.ms=5'], { input });
    expect(produced.code, produced.stderr).toBe(0);
    const consumed = await run('kcat', ['-b', broker.address, '-C', '-t', topic, '-e', '-q', '-o', 'beginning']);
    expect(consumed.stdout).toBe(input);
  });

  it('looks offsets up by time', async () => {
    const at = Date.now();
    await run('kcat', ['-b', broker.address, '-P', '-t', 'by-time'], { input: 'one\n' });
    const early = await run('kcat', ['-b', broker.address, '-Q', '-t', `by-time:0:${at}`]);
    expect(early.stdout).toContain('by-time [0] offset 0');
    const late = await run('kcat', ['-b', broker.address, '-Q', '-t', `by-time:0:${at + 3_600_000}`]);
    expect(late.stdout).toMatch(/by-time \[0\] offset -1/);
  });
});

describe('kafkajs', () => {
  it('produces, consumes in a group, commits, and resumes where it stopped', async () => {
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'group-topic', numPartitions: 3 }], waitForLeaders: true });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const send = async (from: number, to: number) => {
      const messages = Array.from({ length: to - from }, (_, n) => ({ key: `k${from + n}`, value: `v${from + n}`, headers: { n: String(from + n) } }));
      await producer.send({ topic: 'group-topic', acks: -1, compression: CompressionTypes.GZIP, messages });
    };
    const consume = async (count: number): Promise<string[]> => {
      const consumer = kafka.consumer({ groupId: 'smoke-group' });
      const seen: string[] = [];
      await consumer.connect();
      await consumer.subscribe({ topic: 'group-topic', fromBeginning: true });
      await new Promise<void>((resolve, reject) => {
        setTimeout(() => reject(new Error(`saw ${seen.length} of ${count}`)), 20_000).unref();
        void consumer.run({
          eachMessage: async ({ message }) => {
            seen.push(`${message.value}`);
            if (seen.length === count) resolve();
          },
        });
      });
      await new Promise((resolve) => setTimeout(resolve, 50));
      await consumer.disconnect();
      return seen;
    };
    await send(0, 500);
    expect(new Set(await consume(500)).size).toBe(500);
    await send(500, 700);
    const second = await consume(200);
    expect(second.map((value) => Number(value.slice(1))).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => 500 + n));
    const groups = await admin.listGroups();
    expect(groups.groups.map((group) => group.groupId)).toContain('smoke-group');
    await producer.disconnect();
    await admin.disconnect();
  });
});

describe('the broker process', () => {
  it('keeps everything over kill -9 and over SIGTERM', async () => {
    const first = await startBroker();
    const input = Array.from({ length: 10_000 }, (_, n) => `record ${n}`).join('\n') + '\n';
    const produced = await run('kcat', ['-b', first.address, '-P', '-t', 'kept', '-X', 'enable.idempotence=true'], { input });
    expect(produced.code, produced.stderr).toBe(0);
    await first.kill('SIGKILL');
    const second = await startBroker({ port: first.port, dataFolder: first.dataFolder });
    const read = () => run('kcat', ['-b', second.address, '-C', '-t', 'kept', '-e', '-q', '-o', 'beginning']);
    expect((await read()).stdout).toBe(input);
    expect(await second.kill('SIGTERM')).toBe(0);
    const third = await startBroker({ port: first.port, dataFolder: first.dataFolder });
    expect((await read()).stdout).toBe(input);
    await third.close();
    const { rm } = await import('node:fs/promises');
    await rm(first.dataFolder, { recursive: true, force: true });
  });
});

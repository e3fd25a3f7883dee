/** Java's share consumers and share group tools against our broker, through a kill. */
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { skipLoudly } from './support/run.ts';

const available = await javaToolsAvailable();
if (!available) skipLoudly('no JDK or no Maven: Java\'s share consumers were not run');

const RECORDS = 5_000;
const GROUP = 'workers';
let broker: BrokerProcess;
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await temporaryFolder('share');
  broker = await startBroker({ dataFolder, overrides: { 'num.partitions': 3, 'share.coordinator.state.topic.num.partitions': 4 } });
});
afterAll(async () => {
  await broker?.close();
  await rm(dataFolder, { recursive: true, force: true });
});

interface Event {
  readonly name: string;
  readonly count?: number;
}

const produce = () => javaTool('org.apache.kafka.tools.VerifiableProducer', ['--bootstrap-server', broker.address, '--topic', 'jobs', '--max-messages', String(RECORDS), '--throughput', '-1']);

async function consume(): Promise<number> {
  const { stdout } = await javaTool('org.apache.kafka.tools.VerifiableShareConsumer',
    ['--bootstrap-server', broker.address, '--topic', 'jobs', '--group-id', GROUP, '--max-messages', String(RECORDS), '--acknowledgement-mode', 'sync', '--offset-reset-strategy', 'earliest']);
  const events = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Event);
  const sum = (name: string): number => events.filter((event) => event.name === name).reduce((total, { count }) => total + (count ?? 0), 0);
  expect(sum('offsets_acknowledged')).toBe(sum('records_consumed'));
  return sum('records_consumed');
}

const groups = (...args: string[]) => javaTool('org.apache.kafka.tools.consumer.group.ShareGroupCommand', ['--bootstrap-server', broker.address, ...args]);

describe.runIf(available)('share groups', () => {
  it('every record once, also after the broker was killed', async () => {
    expect((await produce()).stdout).toContain(`"sent":${RECORDS},"acked":${RECORDS}`);
    expect(await consume()).toBe(RECORDS);
    await broker.kill('SIGKILL');
    broker = await startBroker({ dataFolder });
    expect((await produce()).stdout).toContain(`"sent":${RECORDS},"acked":${RECORDS}`);
    expect(await consume()).toBe(RECORDS);
  });

  it('kafka-share-groups lists, describes, resets and deletes', async () => {
    expect((await groups('--list')).stdout).toContain(GROUP);
    const described = (await groups('--describe', '--group', GROUP, '--offsets')).stdout;
    const lags = described.split('\n').filter((line) => line.startsWith(GROUP)).map((line) => line.trim().split(/\s+/).at(-1));
    expect(lags.every((lag) => lag === '0' || lag === '-'), described).toBe(true);
    expect(lags).toContain('0');
    expect((await groups('--reset-offsets', '--group', GROUP, '--topic', 'jobs', '--to-earliest', '--execute')).stdout).toMatch(/jobs\s+\d\s+0/);
    expect(await consume()).toBeGreaterThanOrEqual(RECORDS);
    expect((await groups('--delete-offsets', '--group', GROUP, '--topic', 'jobs')).stdout).toMatch(/jobs\s+Successful/);
    expect((await groups('--delete', '--group', GROUP)).stdout).toMatch(/successful/);
  });

  it('DumpLogSegments decodes what is kept', async () => {
    expect(await broker.kill('SIGTERM')).toBe(0);
    const folders = (await readdir(dataFolder)).filter((name) => name.startsWith('__share_group_state-'));
    // Partitions without records have no files yet.
    const files = folders.map((name) => path.join(dataFolder, name, '00000000000000000000.log')).filter((file) => existsSync(file));
    const { stdout } = await javaTool('org.apache.kafka.tools.DumpLogSegments', ['--share-group-state-decoder', '--files', files.join(',')]);
    expect(stdout).toContain(`"groupId":"${GROUP}"`);
    expect(stdout).toContain('"stateBatches":[{"firstOffset"');
  });
});

/** --json of every tool that has it: one line that a script can read, and nothing else. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tools } from '../../src/main/tools/table.ts';
import { RealNode } from '../client/support/realNode.ts';
import { run, type ToolRun } from './support/runTool.ts';

const node = new RealNode();
const call = async (line: string, input = ''): Promise<ToolRun> => {
  const [name, ...words] = line.split(' ') as [string, ...string[]];
  const tool = await (tools[name] as (typeof tools)[string])();
  return run(tool, ['--bootstrap-server', node.address, ...words], { network: node.network, input });
};

beforeAll(async () => {
  await node.start();
  await call('kafka-topics --create --topic plain');
  await call('kafka-console-producer --topic plain', '1\n2\n3\n');
  await call('kafka-console-consumer --topic plain --group idle --from-beginning --max-messages 2');
}, 60_000);
afterAll(() => node.close());

describe('--json', () => {
  it.each([
    ['kafka-topics --list', expect.arrayContaining([{ topic: 'plain' }])], ['kafka-topics --describe --topic plain', [expect.objectContaining({ topic: 'plain' })]],
    ['kafka-configs --describe --topic plain', [expect.objectContaining({ type: 'topics', name: 'plain' })]], ['kafka-get-offsets --topic plain', [{ topic: 'plain', partition: 0, offset: 3 }]],
    ['kafka-consumer-groups --list', [expect.objectContaining({ group: 'idle' })]], ['kafka-groups --list', [expect.objectContaining({ group: 'idle' })]], ['kafka-share-groups --list', []], ['kafka-streams-groups --list', []],
    ['kafka-broker-api-versions', expect.anything()], ['kafka-cluster cluster-id', expect.anything()], ['kafka-cluster list-endpoints', expect.anything()], ['kafka-features describe', expect.anything()], ['kafka-transactions list', []],
    ['kafka-reassign-partitions --list', expect.anything()], ['kafka-client-metrics --list', []], ['kafka-leader-election --election-type preferred --topic plain --partition 0', [{ topic: 'plain', partition: 0, isElected: false, error: null }]],
    ['kafka-producer-perf-test --topic perf --num-records 100 --record-size 10 --throughput -1', expect.objectContaining({ records: 100, p99Ms: expect.any(Number) })],
    ['kafka-consumer-perf-test --topic perf --num-records 100', expect.objectContaining({ records: 100, recordsPerSecond: expect.any(Number) })],
    ['kafka-e2e-latency --topic there --num-records 2 --producer-acks 1 --record-size 10', expect.objectContaining({ records: 2, p50Ms: expect.any(Number) })],
  ])('%s', async (line, wanted) => {
    const { code, output, errors } = await call(`${line} --json`);
    expect([code, errors, output.split('\n')]).toEqual([0, '', [expect.any(String), '']]);
    expect(JSON.parse(output)).toEqual(wanted);
  });
});

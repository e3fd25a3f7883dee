import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { consumerGroupsTool } from '../../src/cli/groups/consumer/consumerGroupsTool.ts';
import { consumerTool } from '../../src/cli/consumer/consumerTool.ts';
import { producerTool } from '../../src/cli/producer/producerTool.ts';
import { topicsTool } from '../../src/cli/topics/topicsTool.ts';
import { RealNode } from '../client/support/realNode.ts';
import { run, type ToolRun } from './support/runTool.ts';

const node = new RealNode();
const network = { network: node.network };
let folder: string;

const groups = (...argv: string[]): Promise<ToolRun> => run(consumerGroupsTool, ['--bootstrap-server', node.address, ...argv], network);

/** A group that has read `count` of ten records. */
async function consumed(group: string, topic: string, count: number): Promise<void> {
  await run(topicsTool, ['--bootstrap-server', node.address, '--create', '--topic', topic], network);
  await run(producerTool, ['--bootstrap-server', node.address, '--topic', topic], { ...network, input: Array.from({ length: 10 }, (_, index) => `${index}\n`).join('') });
  await run(consumerTool, ['--bootstrap-server', node.address, '--topic', topic, '--group', group, '--from-beginning', '--max-messages', String(count)], network);
}

beforeAll(async () => {
  await node.start();
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-groups-'));
  await consumed('alpha', 'first', 4);
});
afterAll(async () => {
  await node.close();
  await rm(folder, { recursive: true, force: true });
});

const TABLE = 'GROUP           TOPIC           PARTITION  NEW-OFFSET\n';

describe('kafka-consumer-groups', () => {
  it('lists and describes as Kafka does', async () => {
    expect(await groups('--list')).toEqual({ code: 0, output: 'alpha\n', errors: '' });
    expect((await groups('--list', '--state', '--type')).output).toBe('GROUP                     TYPE                 STATE               \nalpha                     Classic              Empty               \n');
    expect((await groups('--list', '--state', 'stable')).output).toBe('GROUP                     STATE               \n');
    const described = await groups('--describe', '--group', 'alpha');
    expect(described).toEqual({
      code: 0, errors: "\nConsumer group 'alpha' has no active members.\n",
      output: '\nGROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID     HOST            CLIENT-ID\n'
        + 'alpha           first           0          4               10              6               -               -               -\n',
    });
    expect((await groups('--describe', '--group', 'alpha', '--state')).output).toMatch(/^\nGROUP +COORDINATOR \(ID\) +ASSIGNMENT-STRATEGY +STATE +#MEMBERS\nalpha +127\.0\.0\.1:9092 {2}\(1\) +- +Empty +0\n$/);
    expect((await groups('--describe', '--group', 'alpha', '--members')).output).toBe('\nGROUP           CONSUMER-ID     HOST            CLIENT-ID       #PARTITIONS     \n');
    expect(JSON.parse((await groups('--describe', '--all-groups', '--json')).output)).toMatchObject([{ group: 'alpha', topic: 'first', partition: 0, currentOffset: 4, logEndOffset: 10, lag: 6, consumerId: null }]);
  });

  it('ends with 0 when a group is not there, and says so, as Kafka does', async () => {
    expect(await groups('--describe', '--group', 'none')).toMatchObject({ code: 0, output: expect.stringContaining('\nError: Executing consumer group command failed due to org.apache.kafka.common.errors.GroupIdNotFoundException: ') });
  });

  it.each([
    [['--to-earliest'], 0], [['--to-latest'], 10], [['--to-current'], 4], [['--shift-by', '-3'], 1], [['--shift-by', '100'], 10], [['--to-offset', '7'], 7], [['--to-offset', '99'], 10],
    [['--to-datetime', '2001-01-01T00:00:00.000'], 0], [['--by-duration', 'P1D'], 0], [['--to-datetime', '2001-01-01T00:00:00+02:00'], 0],
  ] as const)('plans %j', async (scenario, offset) => {
    const result = await groups('--reset-offsets', '--group', 'alpha', '--all-topics', '--dry-run', ...scenario);
    expect(result.output).toBe(`\n${TABLE}alpha           first           0          ${offset}\n`);
    expect((await groups('--describe', '--group', 'alpha', '--json')).output).toContain('"currentOffset":4');
  });

  it('executes, exports, and reads what it exported', async () => {
    await consumed('beta', 'second', 5);
    const file = path.join(folder, 'plan.csv');
    const exported = await groups('--reset-offsets', '--group', 'beta', '--topic', 'second:0', '--to-offset', '2', '--export', '--dry-run');
    expect(exported.output).toBe('second,0,2\n\n');
    await writeFile(file, exported.output);
    expect((await groups('--reset-offsets', '--group', 'beta', '--from-file', file, '--execute')).output).toBe(`\n${TABLE}beta            second          0          2\n`);
    expect((await groups('--describe', '--group', 'beta', '--json')).output).toContain('"currentOffset":2');
    await writeFile(file, 'beta,second,0,3\ngamma,second,0,1\n');
    expect((await groups('--reset-offsets', '--group', 'beta', '--group', 'gamma', '--from-file', file, '--export', '--execute')).output).toBe('beta,second,0,3\ngamma,second,0,1\n\n');
    expect((await groups('--list')).output).toBe('alpha\nbeta\ngamma\n');
    await writeFile(file, 'second,zero,1\n');
    expect((await groups('--reset-offsets', '--group', 'beta', '--from-file', file, '--dry-run')).output).toContain('line 1 is not of the form [group,]topic,partition,offset: second,zero,1');
  });

  it('says where a time is later than every record', async () => {
    expect((await groups('--reset-offsets', '--group', 'alpha', '--topic', 'first', '--to-datetime', '2090-01-01T00:00:00.000', '--dry-run')).output)
      .toBe(`\nWarn: Partition 0 from topic first is empty. Falling back to latest known offset.\n\n${TABLE}alpha           first           0          10\n`);
  });

  it('deletes offsets and groups', async () => {
    await consumed('delta', 'third', 1);
    expect((await groups('--delete-offsets', '--group', 'delta', '--topic', 'third', '--topic', 'nosuch')).output).toBe(
      'Request succeeded for deleting offsets from group delta.\n\nTOPIC           PARTITION  STATUS         \nnosuch          -          Error: org.apache.kafka.common.errors.UnknownTopicOrPartitionException: This server does not host this topic-partition.\n'
      + 'third           0          Successful     \n');
    await consumed('epsilon', 'third', 1);
    const deleted = await groups('--delete', '--group', 'epsilon', '--group', 'none');
    expect(deleted.output).toMatch(/^\nError: Deletion of some consumer groups failed:\n\* Group 'none' could not be deleted due to: org\.apache\.kafka\.common\.errors\.GroupIdNotFoundException: .*\n\nThese consumer groups were deleted successfully: 'epsilon'\n$/);
    expect((await groups('--list')).output).not.toContain('epsilon');
  });

  it('checks regular expressions without a broker', async () => {
    expect((await run(consumerGroupsTool, ['--validate-regex', 't.*'])).output).toBe('The regular expression `t.*` is valid.\n');
    expect((await run(consumerGroupsTool, ['--validate-regex', 't('])).output).toBe('The regular expression `t(` is invalid: missing closing ).\n');
  });

  it.each([
    [[], 'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets, --validate-regex'],
    [['--describe'], 'Option [describe] takes one of these options: [group], [all-groups]'],
    [['--describe', '--all-groups', '--group', 'x'], `Option "[group]" can't be used with option "[all-groups]"`],
    [['--describe', '--group', 'x', '--members', '--state'], 'Option [describe] takes at most one of these options: [members], [offsets], [state]'],
    [['--list', '--group', 'x'], `Option "[group]" can't be used with option "[list]"`],
    [['--list', '--state', 'bogus'], "Invalid state list 'bogus'. Valid states are: "],
    [['--delete-offsets', '--group', 'x'], 'Option [delete-offsets] takes the following options: [topic], [group]'],
    [['--delete', '--group', 'x', '--topic', 't'], 'The consumer does not support topic-specific offset deletion from a consumer group.'],
    [['--reset-offsets', '--group', 'x', '--topic', 't', '--dry-run'], "Option '[reset-offsets]' requires one of the following scenarios: "],
    [['--reset-offsets', '--group', 'x', '--to-latest', '--dry-run'], 'One of the reset scopes should be defined: --all-topics, --topic.'],
    [['--reset-offsets', '--group', 'x', '--topic', 't', '--to-latest', '--to-earliest', '--dry-run'], `Option "[to-earliest]" can't be used with option "[to-latest]"`],
    [['--reset-offsets', '--group', 'x', '--topic', 't:a', '--to-latest', '--dry-run'], "Invalid partition 'a' specified in topic arg 't:a''"],
    [['--zookeeper', 'x'], 'type --bootstrap-server HOST:PORT'],
    [['--lst'], 'lst is not a recognized option. Did you mean --list?'],
  ] as const)('%j is refused', async (argv, message) => {
    const result = await groups(...argv);
    expect(result).toMatchObject({ code: 1, output: '' });
    expect(result.errors).toContain(message);
  });
});

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { markdownOf, withTables, type Comparison } from '../../bench/client/table/report.ts';
import { consumeAll } from '../../bench/client/work.ts';
import { summarise } from '../../bench/report/statistics.ts';

const figure = (perSecond: readonly number[], cpuUs: number | null) => ({ perSecond: summarise(perSecond), cpuUs: cpuUs === null ? null : summarise([cpuUs]) });

const comparison: Comparison = {
  date: '2026-01-02T03:04:05Z', commit: 'abc', machine: 'a machine', node: '24.0.0', loadAverage: { before: 0.1, after: 2 }, rounds: 3, sizeBytes: 100,
  tables: [
    {
      broker: 'Tidelog 0.1.0', absent: [{ contender: 'kafkajs', reason: 'no network' }],
      rows: [
        { contender: 'tidelog', version: '0.1.0', figures: { produce: figure([1_500_000, 2_100_000, 2_000_000], 0.4), consume: figure([3_000_000], 0.25), visit: figure([5_000_000], 0.12), theirSingle: figure([30_000], 20) } },
        { contender: 'Java client', version: '4.3.1', figures: { produce: figure([500_000], 2), consume: figure([1_000_000], null) } },
      ],
    },
    { broker: 'Apache Kafka 4.3.1', absent: [], rows: [{ contender: 'tidelog', version: '0.1.0', figures: { produce: figure([900_000], 0.4) } }, { contender: 'Java client', version: '4.3.1', figures: { produce: figure([500_000], 2) } }] },
  ],
};

it('tells medians, what is absent, how many times the others, and what the goals say', () => {
  const text = markdownOf(comparison);
  for (const line of [
    '| tidelog | 2.00 M (1.50 M..2.10 M), 0.40 us | 3.00 M, 0.25 us |  |', '| Java client | 500 k, 2.00 us | 1.00 M |  |', '| kafkajs | ABSENT: no network | | |', '| tidelog, `batch.visit` | | 5.00 M, 0.12 us | |',
    '- produce: 4.0 times Java client; goal 2.00 M/s: yes', '- consume: 3.0 times Java client; goal 4.00 M/s: 75%', '- produce: 1.8 times Java client (goal 2: no)', '| tidelog | 30 k, 20 us |  |  |',
  ]) expect(text.split('\n')).toContain(line);
  expect(text).toMatch(/^2026-01-02, abc; a machine; Node 24\.0\.0; tidelog 0\.1\.0, Java client 4\.3\.1\. Medians of 3 rounds/);
});

it('puts the tables where the handbook has them, and nothing else', () => {
  const handbook = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
  const changed = withTables(handbook, 'the tables');
  expect(withTables(changed, 'the tables')).toBe(changed);
  expect(changed.split('the tables\n').length).toBe(2);
  expect(changed.slice(0, 1000)).toBe(handbook.slice(0, 1000));
  expect(() => withTables('no place', 'x')).toThrow('no place');
});

it('does not time the records that come first, and refuses to time too few', async () => {
  const consume = (sizes: readonly number[]) => consumeAll(async (_wish, onRecords) => {
    for (const size of sizes) if (!onRecords(size, size * 7)) break;
  }, 't', sizes.reduce((sum, size) => sum + size, 0), 7);
  expect((await consume([100, 50, 1])).perSecond).toBeGreaterThan(0);
  await expect(consume([100])).rejects.toThrow('too few to time');
});

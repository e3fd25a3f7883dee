import { describe, expect, it } from 'vitest';
import { parsePsTime } from '../../bench/broker/processStats.ts';
import type { Row } from '../../bench/catalogue.ts';
import { errorText } from '../../bench/errorText.ts';
import { UsageError, parseOptions } from '../../bench/options.ts';
import { chart } from '../../bench/report/chart.ts';
import { hotFunctions } from '../../bench/report/profile.ts';
import { Recorder } from '../../bench/report/recorder.ts';
import { quantile, summarise } from '../../bench/report/statistics.ts';
import { rowLines, shortNumber } from '../../bench/report/table.ts';

const row: Row = {
  name: 'row',
  title: 'a row',
  group: 'engine',
  figures: [
    { key: 'rate', unit: 'M/s', better: 'higher', scale: 1e-6 },
    { key: 'milliseconds', unit: 'ms', better: 'lower' },
  ],
  contenders: ['native', 'lmdb', 'pwrite'],
};

function recorded(): Recorder {
  const recorder = new Recorder();
  for (const rate of [8e6, 2e6, 4e6]) recorder.add(row, 'native', { rate, milliseconds: 5 }, 'native');
  recorder.add(row, 'lmdb', { rate: 1e6, milliseconds: 10 }, 'lmdb 3');
  recorder.skip(row, 'pwrite', 'not today');
  recorder.finishRow(row);
  return recorder;
}

describe('statistics', () => {
  it('takes the median of odd and even counts', () => {
    expect(summarise([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, values: [3, 1, 2] });
    expect(summarise([4, 1, 2, 3]).median).toBe(2.5);
    expect(() => summarise([])).toThrow(RangeError);
  });

  it('takes quantiles', () => {
    const values = Array.from({ length: 101 }, (_, index) => index);
    expect([quantile(values, 0), quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)]).toEqual([0, 50, 99, 100]);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe('the recorder', () => {
  it('gives medians in the unit of the figure and ratios that are above 1 where ours is better', () => {
    const recorder = recorded();
    expect(recorder.of(row, 'native')?.figures['rate']).toMatchObject({ median: 4, min: 2, max: 8 });
    expect(recorder.ratios.map(({ figure, peer, ratio }) => [figure, peer, ratio])).toEqual([
      ['rate', 'lmdb', 4],
      ['milliseconds', 'lmdb', 2],
    ]);
  });

  it('trusts no row that failed once, and no figure that is not a number', () => {
    const recorder = new Recorder();
    recorder.add(row, 'native', { rate: 1e6, milliseconds: 1 }, 'native');
    recorder.skip(row, 'native', 'the second round failed');
    recorder.finishRow(row);
    expect(recorder.measurements).toEqual([]);
    expect(() => recorder.add(row, 'lmdb', { rate: Number.NaN, milliseconds: 1 }, 'lmdb')).toThrow('rate is NaN');
  });
});

describe('the table', () => {
  it('shows medians, spread, ratios and what is absent', () => {
    const lines = rowLines(row, recorded());
    expect(lines[1]).toBe('row: a row');
    expect(lines[2]).toMatch(/^ {2}native +4\.00 M\/s \(2\.00\.\.8\.00\) +5\.00 ms \(5\.00\.\.5\.00\) +4\.00 x lmdb$/);
    expect(lines[4]).toMatch(/^ {2}pwrite +ABSENT: not today$/);
  });

  it('keeps three digits', () => {
    expect([0, 0.01234, 1.234, 12.34, 123.4, 12345].map(shortNumber)).toEqual(['0', '0.012', '1.23', '12.3', '123', '12345']);
  });
});

describe('the chart', () => {
  it('draws a bar for each ratio, to the right of 1 when ahead, to the left when behind', () => {
    const svg = chart('A & B', [
      { title: 'one', bars: [{ label: 'ahead', peer: 'x', ratio: 4 }, { label: 'behind', peer: 'y', ratio: 0.5 }] },
      { title: 'none', bars: [] },
    ]);
    const one = Number(/class="one" x1="([\d.]+)"/.exec(svg)?.[1]);
    const bars = [...svg.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)].map((match) => [match[1], Number(match[2]), Number(match[3])] as const);
    expect(bars.map(([name]) => name)).toEqual(['ahead', 'behind']);
    expect(bars[0]?.[1]).toBeCloseTo(one, 1);
    expect((bars[1]?.[1] as number) + (bars[1]?.[2] as number)).toBeCloseTo(one, 1);
    expect(bars[0]?.[2]).toBeCloseTo((bars[1]?.[2] as number) * 2, 0);
    expect(svg).toContain('A &amp; B');
    expect(svg).not.toContain('>none<');
  });
});

describe('the options', () => {
  it('read what they say', () => {
    const options = parseOptions(['--only', 'scan-views,compare', '--rounds', '5', '--peer', 'localhost:9092,77'], 'somewhere');
    expect(options).toMatchObject({ only: ['scan-views', 'compare'], rounds: 5, seconds: 1.5, peer: { host: 'localhost', port: 9092, pid: 77 }, resultsFolder: null });
    expect(parseOptions([], 'somewhere')).toMatchObject({ withEngine: true, withBroker: true, resultsFolder: 'somewhere', peer: null });
    expect(parseOptions(['--quick'], 'somewhere')).toMatchObject({ isQuick: true, rounds: 1, resultsFolder: null });
    expect(parseOptions(['--help'], 'somewhere')).toBeNull();
  });

  it('refuse what they do not know', () => {
    for (const args of [['--rounds', '0'], ['--rounds', '1.5'], ['--seconds', 'x'], ['--only', 'nothing'], ['--peer', 'here'], ['--fast'], ['word']]) {
      expect(() => parseOptions(args, 'somewhere')).toThrow(UsageError);
    }
  });
});

describe('a profile', () => {
  it('adds up the time in each function, without the idle time', () => {
    const frame = (functionName: string, url = '') => ({ functionName, url, lineNumber: 6 });
    const nodes = [{ id: 1, callFrame: frame('(idle)') }, { id: 2, callFrame: frame('work', 'file:///somewhere/engine.js') }, { id: 3, callFrame: frame('') }, { id: 4, callFrame: frame('work', 'file:///somewhere/engine.js') }];
    const hot = hotFunctions({ nodes, samples: [1, 2, 3, 4], timeDeltas: [1000, 20, 10, 10] });
    expect(hot).toEqual([{ name: 'work engine.js:7', share: 0.75 }, { name: '(anonymous)', share: 0.25 }]);
  });
});

describe('what a program said before it ended', () => {
  it('is told by the line of its error, else by the last', () => {
    expect(errorText('file.js:3\n  throw x\n\nTypeError: no\n    at place\n}\n\nNode.js v20\n')).toBe('TypeError: no');
    expect(errorText('[2026-01-01 00:00:00,000] ERROR the port is in use\nbye\n')).toContain('the port is in use');
    expect(errorText('one\ntwo\n')).toBe('two');
    expect(errorText('')).toBe('');
  });
});

describe('the statistics of a process', () => {
  it('read the clock of ps', () => {
    expect(['0:01', '01:02:03', '2-00:00:01', '1:02.5'].map(parsePsTime)).toEqual([1, 3723, 172_801, 62.5]);
  });
});

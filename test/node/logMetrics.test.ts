import { describe, expect, it } from 'vitest';
import { LogMetrics } from '../../src/node/operations/logMetrics.ts';
import type { Log, LogManager } from '../../src/storage/types.ts';

const logsOf = (count: number): LogManager =>
  ({ logs: () => Array.from({ length: count }, (_, partition) => ({ topic: 't', partition, online: partition !== 1, sizeBytes: 10, logStartOffset: 1, logEndOffset: partition, segmentCount: 2 }) as Log) }) as unknown as LogManager;

describe('metrics of each log', () => {
  it('name every log that can be used, under one head for each metric', async () => {
    expect((await new LogMetrics(logsOf(3), setImmediate).text()).split('\n').filter((line) => line.includes('logendoffset'))).toEqual([
      '# HELP kafka_log_log_logendoffset Offset of the next record.', '# TYPE kafka_log_log_logendoffset gauge',
      'kafka_log_log_logendoffset{topic="t",partition="0"} 0', 'kafka_log_log_logendoffset{topic="t",partition="2"} 2',
    ]);
  });

  it('let others have their turn, and are made once for scrapes that come meanwhile', async () => {
    const turns: (() => void)[] = [];
    const metrics = new LogMetrics(logsOf(5000), (task) => void turns.push(task));
    const first = metrics.text();
    await Promise.resolve();
    const [second, third] = [metrics.text(), metrics.text()];
    expect(second).toBe(third);
    let given = 0;
    const done = Promise.all([first, second]);
    for (let idle = 0; idle < 50; idle = turns.length === 0 ? idle + 1 : 0) {
      given += turns.length;
      for (const turn of turns.splice(0)) turn();
      await Promise.resolve();
    }
    const [one, other] = await done;
    expect(given).toBe(4);
    expect(one).toBe(other);
  });

  it('are made again after a failure', async () => {
    let fails = true;
    const logs = { logs: () => (fails ? (() => { throw new Error('no'); })() : []) } as unknown as LogManager;
    const metrics = new LogMetrics(logs, setImmediate);
    await expect(metrics.text()).rejects.toThrow('no');
    fails = false;
    expect(await metrics.text()).toContain('# TYPE kafka_log_log_size gauge');
  });
});

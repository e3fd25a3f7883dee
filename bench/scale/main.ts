/** `npm run bench:scale -- [--groups N] [--partitions N]`: what many groups and many partitions cost one broker. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildBatch } from '../broker/load/producing.ts';
import { startBroker } from '../broker/process.ts';
import { measureGroups } from './groups.ts';
import { measurePartitions } from './partitions.ts';

const root = path.resolve(import.meta.dirname, '../..');
const GROUPS_DEFAULT = 10_000;
const PARTITIONS_DEFAULT = 200_000;

const { values } = parseArgs({ options: { groups: { type: 'string' }, partitions: { type: 'string' } } });
const groups = count('groups', values.groups ?? (values.partitions === undefined ? String(GROUPS_DEFAULT) : '0'));
const partitions = count('partitions', values.partitions ?? (values.groups === undefined ? String(PARTITIONS_DEFAULT) : '0'));

if (groups > 0) {
  for (const protocol of ['classic', 'consumer'] as const) {
    // A classic group gathers its five members before its first generation; a consumer group assigns at each joining.
    const settings = { 'group.initial.rebalance.delay.ms': '1000', 'group.consumer.assignment.interval.ms': '0' };
    const broker = await startBroker(root, [], { settings });
    try {
      console.log(JSON.stringify(rounded(await measureGroups(broker, protocol, groups))));
    } finally {
      await broker.stop();
    }
  }
}
if (partitions > 0) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-scale-'));
  try {
    console.log(JSON.stringify(rounded(await measurePartitions(root, path.join(folder, 'data'), partitions, buildBatch(1, 100), (line) => console.error(line)))));
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function count(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${name} takes a whole number, not ${JSON.stringify(text)}`);
  return value;
}

function rounded(figures: object): object {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [key, typeof value === 'number' ? Math.round(value * 100) / 100 : value]));
}

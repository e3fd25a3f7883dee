/**
 * A broker process of its own under several clients: idempotent producers, transactions that commit and abort, exactly-once copies in a group whose members come and go, readers of committed records;
 * meanwhile it is killed, stopped and started. `TIDELOG_MINUTES` says for how long (2), `TIDELOG_FUZZ_SEED` in which order.
 */
import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { freePort, spawnBroker, startBroker, temporaryFolder } from '../../support/brokerProcess.ts';
import type { BrokerProcess } from '../../support/brokerProcess.ts';
import { seededRandom } from '../../storage/support/ports.ts';
import { firstSeed } from '../support/settings.ts';
import { Workload } from './workload.ts';

const SLICE_MS = 30_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Durable acknowledgements or not: a killed process keeps the page cache. */
const FLUSHES = ['1', '9223372036854775807'];

interface Slice {
  readonly random: ReturnType<typeof seededRandom>;
  readonly overrides: Readonly<Record<string, string | number>>;
  readonly ends: { kills: number; stops: number };
}

/** Ends the broker again and again for a while. */
async function torment(broker: BrokerProcess, dataFolder: string, { random, overrides, ends }: Slice): Promise<BrokerProcess> {
  const { port } = broker;
  let running = broker;
  for (const untilMs = Date.now() + SLICE_MS; Date.now() < untilMs; ) {
    await pause(300 + random.below(4000));
    const isKill = random.below(4) > 0;
    await running.kill(isKill ? 'SIGKILL' : 'SIGTERM');
    ends[isKill ? 'kills' : 'stops'] += 1;
    if (random.below(4) === 0) await killWhileItStarts(port, dataFolder, random.below(400), overrides);
    running = await startBroker({ port, dataFolder, overrides });
  }
  return running;
}

async function killWhileItStarts(port: number, dataFolder: string, afterMs: number, overrides: Slice['overrides']): Promise<void> {
  const { child } = spawnBroker(port, dataFolder, { overrides });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  await pause(afterMs);
  child.kill('SIGKILL');
  await gone;
}

it('loses, doubles, reorders and shows too early no record', async () => {
  const untilMs = Date.now() + Number(process.env['TIDELOG_MINUTES'] ?? 2) * 60_000;
  const random = seededRandom(firstSeed());
  const ends = { kills: 0, stops: 0 };
  const total: Record<string, number> = {};
  let slices = 0;
  for (; slices === 0 || Date.now() < untilMs; slices += 1) {
    const overrides = {
      'log.segment.bytes': 1_048_576, 'log.flush.interval.messages': FLUSHES[slices % FLUSHES.length]!, 'log.flush.offset.checkpoint.interval.ms': 500, 'log.retention.check.interval.ms': 1000,
      'offsets.topic.num.partitions': 3, 'transaction.state.log.num.partitions': 3, 'log.segment.delete.delay.ms': 200,
    };
    const dataFolder = await temporaryFolder('history');
    let broker = await startBroker({ port: await freePort(), dataFolder, overrides });
    const workload = new Workload(broker.address, random);
    try {
      await workload.begin();
      broker = await torment(broker, dataFolder, { random, overrides, ends });
      const faults = await workload.conclude();
      for (const [name, count] of Object.entries(workload.tally)) total[name] = (total[name] ?? 0) + count;
      expect({ slice: slices, seed: firstSeed(), faults }).toEqual({ slice: slices, seed: firstSeed(), faults: [] });
      process.stdout.write(`processes: slice ${slices}, seed ${firstSeed()}, ${JSON.stringify({ ...ends, ...total })}\n`);
    } finally {
      await workload.close();
      await broker.kill('SIGKILL');
      await rm(dataFolder, { recursive: true, force: true });
    }
  }
});

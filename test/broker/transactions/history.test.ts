import { afterEach, describe, expect, it, vi } from 'vitest';
import { PendingOffsets } from '../../../src/broker/groups/offsets/pending.ts';
import { Partition } from '../../../src/broker/partition/partition.ts';
import { LocalMarkers } from '../../../src/broker/transactions/localMarkers.ts';
import { MarkerSender } from '../../../src/broker/transactions/markers.ts';
import { PartitionLog } from '../../../src/storage/log.ts';
import { World } from './world.ts';

/** On a machine that does much else. */
const TIMEOUT_MS = 180_000;
/** Varied by hand to search further. */
const FIRST_SEED = Number(process.env['TIDELOG_FUZZ_SEED'] ?? 1);
const HISTORIES = Number(process.env['TIDELOG_FUZZ_RUNS'] ?? 6);

async function faultsOf(seed: number): Promise<{ faults: string[]; restarts: number }> {
  const world = new World(seed);
  try {
    await world.run();
  } catch (error) {
    world.faults.push(`it ended: ${error instanceof Error ? error.message : String(error)}`);
  }
  return world;
}

afterEach(() => vi.restoreAllMocks());

describe('a random history of transactions over losses of power', () => {
  it('loses, doubles, reorders and betrays no record', async () => {
    let restarts = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
      const world = await faultsOf(seed);
      expect({ seed, faults: world.faults }).toEqual({ seed, faults: [] });
      restarts += world.restarts;
    }
    expect(restarts).toBeGreaterThan(HISTORIES);
  }, TIMEOUT_MS);

  it.each<[string, () => void]>([
    ['a reader that is led past open transactions', () => vi.spyOn(Partition.prototype, 'readLimit').mockImplementation((log) => log.highWatermark)],
    ['a fetch that does not tell what was aborted', () => vi.spyOn(PartitionLog.prototype, 'abortedTransactions').mockReturnValue([])],
    ['a marker that is said to be written', () => vi.spyOn(LocalMarkers.prototype, 'write').mockImplementation((_topic, _partition, _marker, done) => done(0))],
    ['markers that are not sent', () => vi.spyOn(MarkerSender.prototype, 'send').mockReturnValue(undefined)],
    ['offsets that wait for no marker', () => vi.spyOn(PendingOffsets.prototype, 'take').mockReturnValue(undefined)],
  ])('finds %s', async (_bug, plant) => {
    plant();
    let found = false;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + 6 && !found; seed++) found = (await faultsOf(seed)).faults.length > 0;
    expect(found).toBe(true);
  }, TIMEOUT_MS);
});

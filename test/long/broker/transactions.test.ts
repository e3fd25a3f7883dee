/** Transactions in the simulator: producers that commit, abort, vanish and come back, readers of committed records, a broker whose power goes. */
import { expect, it } from 'vitest';
import { World } from '../../broker/transactions/world.ts';
import { Progress, count, firstSeed } from '../support/settings.ts';

it('loses, doubles, reorders and betrays no record of a transaction', async () => {
  const progress = new Progress('transactions');
  let restarts = 0;
  for (let seed = firstSeed(); seed < firstSeed() + count(1000); seed += 1) {
    const world = new World(seed);
    try {
      await world.run();
    } catch (error) {
      world.faults.push(`it ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    if (world.faults.length > 0) expect.fail(`after ${progress.done} histories: seed ${seed}: ${world.faults.join('; ')}`);
    restarts += world.restarts;
    progress.step(seed);
  }
  progress.end(JSON.stringify({ restarts }));
});

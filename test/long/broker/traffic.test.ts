/** Produce, groups' offsets and readers in the simulator, over restarts and losses of power. */
import { expect, it } from 'vitest';
import { Progress, count, firstSeed } from '../support/settings.ts';
import { Traffic } from './traffic.ts';

it('loses, doubles and reorders no record and no committed offset', async () => {
  const progress = new Progress('traffic');
  const tally = { acknowledged: 0, repeated: 0, commits: 0, restarts: 0, crashes: 0 };
  for (let seed = firstSeed(); seed < firstSeed() + count(1000); seed += 1) {
    const traffic = new Traffic(seed, tally);
    try {
      await traffic.run();
    } catch (error) {
      traffic.faults.push(`it ended: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    if (traffic.faults.length > 0) expect.fail(`after ${progress.done} histories: seed ${seed}: ${traffic.faults.join('; ')}`);
    progress.step(seed);
  }
  progress.end(JSON.stringify(tally));
  expect(Math.min(...Object.values(tally))).toBeGreaterThan(0);
});

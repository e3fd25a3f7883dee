/** One child process: does the work of the order in its last argument and prints the answer as one line of JSON. */
import { classicLevelWorks } from '../baselines/classicLevel.ts';
import { lmdbWorks } from '../baselines/lmdb.ts';
import { rawFileWorks } from '../baselines/rawFile.ts';
import { largeLogWorks } from './largeLogWorks.ts';
import { profileInto } from './profiler.ts';
import { tidelogWorks } from './tidelogWorks.ts';
import type { WorkOrder, Works } from './work.ts';

const ours: Works = { ...tidelogWorks, ...largeLogWorks };
const WORKS: Readonly<Record<string, Works>> = {
  native: ours,
  wasm: ours,
  lmdb: lmdbWorks,
  'classic-level': classicLevelWorks,
  pwrite: rawFileWorks,
};

const order = JSON.parse(process.argv.at(-1) ?? '') as WorkOrder;
const work = WORKS[order.contender]?.[order.work];
if (work === undefined) throw new Error(`${order.contender} has no ${order.work}`);
if (order.profileFolder !== null) profileInto(order.profileFolder);
console.log(JSON.stringify(await work(order)));

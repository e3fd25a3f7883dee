/** Entry of the compaction's worker threads (see workerCompactor.ts). */
import { transferableSymbol, valueSymbol } from 'piscina';
import { runCompactTask } from './compactTask.ts';
import type { CompactTask } from './compactTask.ts';

export default function compact(task: CompactTask): unknown {
  const answer = runCompactTask(task);
  return { [transferableSymbol]: [answer.output.buffer], [valueSymbol]: answer };
}

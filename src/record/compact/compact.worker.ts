/** Entry of the compaction's worker threads (see workerCompactor.ts). */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { runCompactTask } from './compactTask.ts';
import type { CompactTask } from './compactTask.ts';

export default function compact(task: CompactTask): unknown {
  const answer = runCompactTask(task);
  return move({ [transferableSymbol]: [answer.output.buffer], [valueSymbol]: answer } as Parameters<typeof move>[0]);
}

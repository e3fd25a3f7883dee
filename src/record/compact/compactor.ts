/** The port through which storage has chunks compacted: on worker threads, or (in simulations, and where no built worker is at hand) at once. */
import { runCompactTask } from './compactTask.ts';
import type { CompactAnswer, CompactTask } from './compactTask.ts';

export interface Compactor {
  /** `task.chunk` and `task.plans` are given away. Rejects when the worker died: the task may be tried again. */
  run(task: CompactTask): Promise<CompactAnswer>;
  close(): Promise<void>;
}

/** Works on the caller's own thread. */
export class InlineCompactor implements Compactor {
  async run(task: CompactTask): Promise<CompactAnswer> {
    return runCompactTask(task);
  }

  async close(): Promise<void> {}
}

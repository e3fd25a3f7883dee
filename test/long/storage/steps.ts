/** Random histories: which steps there are, drawn from a seed, and fewer of them where fewer show the same. */
import type { CrashFaults } from '../../../src/storage/disk/memoryFiles.ts';
import type { Random } from '../../../src/base/ports.ts';

/** What may happen beside the loss of what was not synced; each can be left out. */
export const FAULT_KINDS = ['tear', 'reorder', 'tailFlip', 'full', 'fsync', 'fileFlip'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Step =
  | { readonly kind: 'append'; readonly log: number; readonly records: number; readonly sizeBytes: number; readonly waits: boolean; readonly codec: 0 | 4 }
  | { readonly kind: 'flush' | 'truncate' | 'trim'; readonly log: number; readonly share: number }
  | { readonly kind: 'checkpoint' | 'tick' | 'turn' | 'failSync' | 'retain' }
  | { readonly kind: 'full'; readonly bytes: number }
  | { readonly kind: 'room' }
  | { readonly kind: 'restart'; readonly how: 'stop' | 'kill' | 'crash' | 'stopAndCrash'; readonly faults: CrashFaults; readonly tailFlips: readonly (Flip | null)[]; readonly flip: Flip | null };

/** One bit of a file while nothing runs: shares of the list of files, of its bytes. */
export interface Flip {
  readonly file: number;
  readonly position: number;
  readonly bit: number;
}

export interface History {
  readonly seed: number;
  readonly flushMessages: number;
  readonly steps: readonly Step[];
}

const LOGS = 2;
const PAGES_BYTES = [32, 64, 512];

export function drawHistory(seed: number, random: Random, faults: ReadonlySet<FaultKind>): History {
  const flushMessages = [1, 1, 4, Number.MAX_SAFE_INTEGER][random.below(4)]!;
  const steps = Array.from({ length: 3 + random.below(24) }, () => drawStep(random, faults));
  return { seed, flushMessages, steps };
}

function drawStep(random: Random, faults: ReadonlySet<FaultKind>): Step {
  const dice = random.below(100);
  const log = random.below(LOGS);
  if (dice < 52) return { kind: 'append', log, records: 1 + random.below(4), sizeBytes: 4 + random.below(120), waits: random.below(2) === 0, codec: random.below(6) === 0 ? 4 : 0 };
  if (dice < 60) return { kind: 'flush', log, share: 0 };
  if (dice < 63) return { kind: 'truncate', log, share: random.next() };
  if (dice < 66) return { kind: 'trim', log, share: random.next() };
  if (dice < 80) return { kind: (['checkpoint', 'tick', 'turn', 'turn', 'retain'] as const)[random.below(5)]! };
  if (dice < 84 && faults.has('full')) return random.below(3) === 0 ? { kind: 'room' } : { kind: 'full', bytes: random.below(3000) };
  if (dice < 86 && faults.has('fsync')) return { kind: 'failSync' };
  return dice < 86 ? { kind: 'turn' } : drawRestart(random, faults);
}

function drawRestart(random: Random, faults: ReadonlySet<FaultKind>): Step {
  const how = (['stop', 'kill', 'crash', 'crash', 'stopAndCrash'] as const)[random.below(5)]!;
  return { kind: 'restart', how, faults: drawCrash(random, faults), tailFlips: drawTailFlips(random, faults), flip: drawFlip(random, faults) };
}

function drawCrash(random: Random, faults: ReadonlySet<FaultKind>): CrashFaults {
  const may = (kind: FaultKind): boolean => faults.has(kind) && random.below(2) === 0;
  return { tears: may('tear'), reorders: may('reorder'), pageBytes: PAGES_BYTES[random.below(PAGES_BYTES.length)]! };
}

/** One for each log. */
function drawTailFlips(random: Random, faults: ReadonlySet<FaultKind>): (Flip | null)[] {
  return Array.from({ length: LOGS }, () => (faults.has('tailFlip') && random.below(3) === 0 ? { file: 0, position: random.next(), bit: random.below(8) } : null));
}

function drawFlip(random: Random, faults: ReadonlySet<FaultKind>): Flip | null {
  if (!faults.has('fileFlip') || random.below(2) === 0) return null;
  return { file: random.next(), position: random.next(), bit: random.below(8) };
}

/** Leaves out what is not needed for the failure; tries so many times at most. */
export async function shrink(history: History, fails: (candidate: History) => Promise<boolean>, triesMax = 150): Promise<History> {
  let best = history;
  let tries = 0;
  for (let size = Math.max(1, Math.floor(best.steps.length / 2)); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.steps.length && tries < triesMax; ) {
      tries += 1;
      const candidate = { ...best, steps: best.steps.filter((_, index) => index < at || index >= at + size) };
      if (await fails(candidate)) best = candidate;
      else at += size;
    }
  }
  return best;
}

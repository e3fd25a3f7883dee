/**
 * Whatever fails, what was acknowledged as durable reads back byte for byte: random histories on each implementation of the Disk contract. `TIDELOG_FUZZ_RUNS` says how
 * many, `TIDELOG_FUZZ_SEED` the first seed (a history has the seed of the first plus its number), `TIDELOG_FAULTS` which kinds of faults (all where absent), `TIDELOG_DISKS` which disks.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadNativeCore, whyNotNative } from '../../../src/binding/addon.ts';
import { loadWasmCompute } from '../../../src/binding/wasm.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { PortableDisk } from '../../../src/storage/disk/index.ts';
import { NativeDisk } from '../../../src/storage/disk/native.ts';
import { smallFileSystem } from '../../contract/disk/fixture.ts';
import { fakePorts, seededRandom } from '../../storage/support/ports.ts';
import { Progress, choice, count, firstSeed } from '../support/settings.ts';
import { emptyTally, live } from './life.ts';
import type { Tally } from './life.ts';
import { MemoryMachine } from './machine.ts';
import type { Machine } from './machine.ts';
import { RealMachine } from './realMachine.ts';
import { FAULT_KINDS, drawHistory, shrink } from './steps.ts';
import type { FaultKind, History } from './steps.ts';

const SMALL_BYTES = 4 * 1024 * 1024;
/** Histories at the same time, each in a folder of its own: with real files most of one is waiting. */
const REAL_LANES = 6;

interface Implementation {
  readonly name: string;
  /** Null: in memory. */
  readonly openDisk: (() => Disk) | null;
}

const core = loadNativeCore();
const implementations: readonly Implementation[] = [
  { name: 'memory', openDisk: null },
  { name: 'portable', openDisk: () => new PortableDisk({ compute: loadWasmCompute() }) },
  { name: 'native', openDisk: () => new NativeDisk(core!, { handOffAppends: 'never', zeroAhead: 'always' }) },
  { name: 'handOff', openDisk: () => new NativeDisk(core!, { handOffAppends: 'always', zeroAhead: 'always' }) },
];
const isThere = ({ name }: Implementation): boolean => core !== null || name === 'memory' || name === 'portable';
if (core === null) console.log(`SKIPPED: histories on the native disk: ${whyNotNative()}`);

/** Where real files go: a small file system that can be filled, else memory of the machine, else the disk. */
function openFolder(): { path: string; canFill: boolean; remove: () => void } {
  const small = smallFileSystem(SMALL_BYTES);
  if (small !== null) return { path: small.path, canFill: true, remove: small.unmount };
  console.log('SKIPPED: real full disks: a file system cannot be mounted here');
  const path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'tidelog-faults-'));
  return { path, canFill: false, remove: () => rmSync(path, { recursive: true, force: true }) };
}

async function machineFor({ openDisk }: Implementation, folder: string, seed: number): Promise<{ machine: Machine; ports: ReturnType<typeof fakePorts> }> {
  const ports = fakePorts(seed);
  const random = seededRandom(seed + 1);
  return { ports, machine: openDisk === null ? new MemoryMachine(random, ports.clock) : new RealMachine(folder, openDisk, random) };
}

/** Null when all went well. */
async function failureOf(implementation: Implementation, folder: string, history: History, tally: Tally): Promise<unknown> {
  const { machine, ports } = await machineFor(implementation, folder, history.seed);
  try {
    await live(machine, ports, history, tally);
    return null;
  } catch (error) {
    return error;
  } finally {
    await machine.end().catch(() => {});
  }
}

async function explain(implementation: Implementation, folder: string, history: History, failure: unknown): Promise<string> {
  const least = await shrink(history, async (candidate) => (await failureOf(implementation, folder, candidate, emptyTally())) !== null);
  const again = (await failureOf(implementation, folder, least, emptyTally())) ?? failure;
  return `${implementation.name}, seed ${history.seed}: ${String(again)}\n${again instanceof Error ? again.stack : ''}\n${JSON.stringify(least)}`;
}

/** All histories of one implementation: each lane takes the next seed, until one has failed. */
class Run {
  readonly progress: Progress;
  readonly tally: Tally;
  failed: { readonly history: History; readonly failure: unknown } | null = null;
  readonly #implementation: Implementation;
  readonly #faults: ReadonlySet<FaultKind>;
  #nextSeed = firstSeed();

  constructor(implementation: Implementation, faults: ReadonlySet<FaultKind>, tally: Tally) {
    this.#implementation = implementation;
    this.#faults = faults;
    this.tally = tally;
    this.progress = new Progress(`${implementation.name}, faults ${[...faults].join(' ')}`);
  }

  async lane(folder: string): Promise<void> {
    while (this.failed === null && this.#nextSeed < firstSeed() + count(10_000)) {
      const seed = this.#nextSeed;
      this.#nextSeed += 1;
      const history = drawHistory(seed, seededRandom(seed), this.#faults);
      const failure = await failureOf(this.#implementation, folder, history, this.tally);
      if (failure !== null) this.failed ??= { history, failure };
      else this.progress.step(seed);
    }
  }
}

describe('what was acknowledged as durable', () => {
  it.each(implementations.filter(isThere).filter(({ name }) => choice('TIDELOG_DISKS', implementations.map((one) => one.name)).has(name)))(
    'reads back byte for byte after any fault ($name)', async (implementation) => {
      const lanes = Array.from({ length: implementation.openDisk === null ? 1 : REAL_LANES }, openFolder);
      const faults = new Set<FaultKind>(choice('TIDELOG_FAULTS', FAULT_KINDS));
      if (!lanes[0]!.canFill && implementation.openDisk !== null) faults.delete('full');
      const run = new Run(implementation, faults, emptyTally());
      try {
        await Promise.all(lanes.map(({ path }) => run.lane(path)));
        if (run.failed !== null) expect.fail(`after ${run.progress.done} histories: ${await explain(implementation, lanes[0]!.path, run.failed.history, run.failed.failure)}`);
        run.progress.end(JSON.stringify(run.tally));
        expect(run.tally.acknowledged).toBeGreaterThan(run.progress.done);
      } finally {
        for (const { remove } of lanes) remove();
      }
    });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildEndTransactionMarker } from '../../src/record/control.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import type { Log, StoreManager } from '../../src/storage/index.ts';
import { clean, COMPACT, keyed, keyedRecords, rollNow } from './support/compaction.ts';
import type { KeyedRecord } from './support/compaction.ts';
import { append, COORDINATOR, flush, startStore, TOPIC_ID } from './support/store.ts';

const record = fc.record({ key: fc.integer({ min: 0, max: 6 }), isTombstone: fc.boolean(), codec: fc.constantFrom(0, 0, 4) });
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('put' as const), records: fc.array(record, { minLength: 1, maxLength: 3 }), producer: fc.constantFrom(-1, 1, 2) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('transaction' as const), records: fc.array(record, { minLength: 1, maxLength: 3 }), aborts: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('clean' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('roll' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('stop' as const, 'crash' as const, 'crashWhileCleaning' as const), turns: fc.integer({ min: 0, max: 60 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What was appended, to the record. */
interface Appended {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly isAborted: boolean;
}

class Model {
  readonly appended: Appended[] = [];

  /** The newest committed value of each key, tombstones aside. */
  view(): Map<string, string> {
    const view = new Map<string, string>();
    for (const { key, value, isAborted } of this.appended) {
      if (isAborted) continue;
      if (value === null) view.delete(key);
      else view.set(key, value);
    }
    return view;
  }
}

class Run {
  readonly model = new Model();
  store!: StoreManager;
  disk!: MemoryDisk;
  log!: Log;
  #ports!: Awaited<ReturnType<typeof startStore>>['ports'];
  readonly #sequences = new Map<number, number>();
  #count = 0;

  async begin(): Promise<void> {
    const made = await startStore({ config: COMPACT });
    [this.store, this.disk, this.#ports] = [made.store, made.disk, made.ports];
    this.log = await this.store.open('t', 0, TOPIC_ID, COMPACT);
  }

  async #again(disk: MemoryDisk): Promise<void> {
    const made = await startStore({ config: COMPACT, disk, ports: this.#ports });
    [this.store, this.disk] = [made.store, disk];
    this.log = this.store.get('t', 0)!;
  }

  async #append(records: readonly { key: number; isTombstone: boolean; codec: number }[], producerId: number, isTransactional: boolean, isAborted: boolean): Promise<void> {
    const pairs = records.map(({ key, isTombstone }) => [`k${key}`, isTombstone ? null : `v${(this.#count += 1)}`] as const);
    const baseSequence = producerId < 0 ? -1 : (this.#sequences.get(producerId) ?? 0);
    const { firstOffset } = await append(this.log, keyed(pairs, { codec: (records[0]?.codec ?? 0) as 0 | 4, producerId, producerEpoch: producerId < 0 ? -1 : 0, baseSequence, isTransactional }));
    if (producerId >= 0) this.#sequences.set(producerId, baseSequence + pairs.length);
    pairs.forEach(([key, value], index) => this.model.appended.push({ offset: firstOffset + index, key, value, isAborted }));
  }

  async apply(step: Step): Promise<void> {
    if (step.kind === 'put') await this.#append(step.records, step.producer, false, false);
    else if (step.kind === 'transaction') await this.#transaction(step.records, step.aborts);
    else if (step.kind === 'clean') await clean(this.store, this.log);
    else if (step.kind === 'wait') await this.#ports.clock.advance(step.ms);
    else if (step.kind === 'roll') await rollNow(this.log);
    else await this.#restart(step.kind, step.turns);
  }

  async #transaction(records: readonly { key: number; isTombstone: boolean; codec: number }[], aborts: boolean): Promise<void> {
    await this.#append(records, 9, true, aborts);
    await append(this.log, buildEndTransactionMarker({ type: aborts ? 0 : 1, producerId: 9, producerEpoch: 0, coordinatorEpoch: 1, timestampMs: 1_699_999_999_999 }), COORDINATOR);
  }

  async #restart(kind: 'stop' | 'crash' | 'crashWhileCleaning', turns: number): Promise<void> {
    if (kind === 'stop') {
      await this.store.close();
      return this.#again(this.disk);
    }
    await flush(this.log);
    if (kind === 'crashWhileCleaning') {
      await rollNow(this.log);
      clean(this.store, this.log).catch(() => {});
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    }
    await this.#again(this.disk.crash());
  }

  check(): void {
    const records = keyedRecords(this.log).filter(({ isControl }) => !isControl);
    const byOffset = new Map(this.model.appended.map((appended) => [appended.offset, appended]));
    for (const { offset, key, value } of records) expect({ offset, key, value }).toEqual({ offset, key: byOffset.get(offset)?.key, value: byOffset.get(offset)?.value });
    expect(viewOf(records, byOffset)).toEqual(this.model.view());
    expect(this.log.logEndOffset).toBeGreaterThanOrEqual((this.model.appended.at(-1)?.offset ?? -1) + 1);
  }
}

function viewOf(records: readonly KeyedRecord[], byOffset: ReadonlyMap<number, Appended>): Map<string, string> {
  const view = new Map<string, string>();
  for (const { offset, key, value } of records) {
    if (byOffset.get(offset)!.isAborted) continue;
    if (value === null) view.delete(key!);
    else view.set(key!, value);
  }
  return view;
}

describe('a compacted log', () => {
  it('shows the newest value of each key, whatever is cleaned, stopped or crashes when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const run = new Run();
        await run.begin();
        for (const one of steps) {
          await run.apply(one);
          run.check();
        }
        await clean(run.store, run.log);
        run.check();
        const seen = new Set<string>();
        // Nothing superseded is left below what was cleaned, the open end aside.
        const { cleanedOffset } = (run.log as unknown as { state: { cleanedOffset: number } }).state;
        for (const { offset, key, isControl } of keyedRecords(run.log).toReversed()) {
          if (isControl || offset >= cleanedOffset) continue;
          expect(seen.has(key!)).toBe(false);
          seen.add(key!);
        }
        await run.store.close();
      }),
      { numRuns: Number(process.env['TIDELOG_FUZZ_RUNS'] ?? 30) },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { LogError } from '../../src/storage/index.ts';
import type { Log, StoreManager } from '../../src/storage/index.ts';
import { FakeClock, fakePorts, settle } from '../storage/support/ports.ts';
import { afterKill, append, batchOf, flush, readAll, startStore, topicConfig } from '../storage/support/store.ts';

/** Random operations on a few logs of two directories, with kills and power losses between them, against lists in memory. */
const PARTITIONS = 3;
const config = topicConfig({ segmentBytes: 600, retentionBytes: 2500, retentionMs: -1, fileDeleteDelayMs: 30_000 });

type Step = readonly [kind: 'append' | 'truncate' | 'empty' | 'trim' | 'delete' | 'flush' | 'retain' | 'full', partition: number, amount: number] | readonly ['crash' | 'kill' | 'stop' | 'time' | 'checkpoint'];

interface Model {
  /** Changes with every deletion. */
  id: string;
  /** Value by offset; holes are offsets that a log skipped. */
  values: Map<number, string>;
  end: number;
  durable: number;
}

class World {
  ports = fakePorts(11);
  disk!: MemoryDisk;
  store!: StoreManager;
  readonly models: (Model | null)[] = Array.from({ length: PARTITIONS }, () => null);
  #names = 0;

  async begin(disk?: MemoryDisk): Promise<void> {
    this.ports = { ...this.ports, clock: new FakeClock(this.ports.clock.wallMs) };
    const started = await startStore({ ...(disk ? { disk } : {}), ports: this.ports, config, directories: ['/one', '/two'] });
    this.store = started.store;
    this.disk = started.disk;
  }

  async log(partition: number): Promise<{ log: Log; model: Model }> {
    const known = this.models[partition];
    if (known) return { log: this.store.get('t', partition)!, model: known };
    this.#names += 1;
    const model: Model = { id: String(this.#names).padStart(22, 'x'), values: new Map(), end: 0, durable: 0 };
    const log = await this.store.open('t', partition, model.id, config);
    this.models[partition] = model;
    expect(log).toMatchObject({ logStartOffset: 0, logEndOffset: 0 });
    return { log, model };
  }

  async run(step: Step): Promise<void> {
    const [kind, partition = 0, amount = 0] = step;
    if (kind === 'crash' || kind === 'kill' || kind === 'stop') return this.restart(kind);
    if (kind === 'time') return this.ports.clock.advance(65_000);
    if (kind === 'checkpoint') return this.store.checkpoint();
    const { log, model } = await this.log(partition);
    if (kind === 'append') await this.append(log, model, amount);
    else if (kind === 'flush') await this.flush(log, model);
    else if (kind === 'retain') log.applyRetention(this.ports.clock.now());
    else if (kind === 'trim') await log.deleteRecordsBefore(log.logStartOffset + Math.floor((log.highWatermark - log.logStartOffset) * amount));
    else if (kind === 'truncate') await this.truncate(log, model, amount);
    else if (kind === 'empty') await this.empty(log, model, Math.floor(amount * 100));
    else if (kind === 'delete') await this.delete(partition);
    else if (kind === 'full') await this.fill(log, model, amount);
    this.check(log, model, kind);
  }

  async append(log: Log, model: Model, amount: number): Promise<void> {
    const values = Array.from({ length: 1 + Math.floor(amount * 3) }, (_, index) => `${model.id}${model.end + index}`.padEnd(20 + Math.floor(amount * 150), '.'));
    const { firstOffset } = await append(log, batchOf(values, { codec: amount > 0.8 ? 3 : 0 }));
    expect(firstOffset).toBe(model.end);
    for (const value of values) model.values.set(model.end++, value);
  }

  async flush(log: Log, model: Model): Promise<void> {
    const { end } = model;
    await flush(log);
    model.durable = end;
  }

  async truncate(log: Log, model: Model, share: number): Promise<void> {
    const target = Math.floor(model.end * share);
    await log.truncateTo(target);
    expect(log.logEndOffset).toBeLessThanOrEqual(target);
    for (let offset = log.logEndOffset; offset < model.end; offset += 1) model.values.delete(offset);
    model.end = log.logEndOffset;
    model.durable = Math.min(model.durable, model.end);
  }

  async empty(log: Log, model: Model, offset: number): Promise<void> {
    await log.truncateFullyAndStartAt(offset);
    model.values.clear();
    model.end = offset;
    model.durable = offset;
  }

  async delete(partition: number): Promise<void> {
    await this.store.delete('t', partition);
    this.models[partition] = null;
  }

  async fill(log: Log, model: Model, amount: number): Promise<void> {
    this.disk.fullAfterBytes(Math.floor(amount * 1500));
    try {
      for (let tries = 0; tries < 8; tries += 1) await this.append(log, model, amount);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      expect(error.kind).toBe('diskFull');
    }
    await settle();
    this.disk.fullAfterBytes(Infinity);
  }

  async restart(kind: 'crash' | 'kill' | 'stop'): Promise<void> {
    if (kind === 'stop') await this.store.close();
    await this.begin(kind === 'crash' ? this.disk.crash() : kind === 'kill' ? afterKill(this.disk, this.ports) : this.disk);
    for (const [partition, model] of this.models.entries()) {
      const log = this.store.get('t', partition);
      if (model === null) expect(log).toBeUndefined();
      else this.compare(log!, model, kind);
    }
  }

  compare(log: Log, model: Model, kind: string): void {
    if (kind === 'crash') {
      expect(log.logEndOffset).toBeGreaterThanOrEqual(model.durable);
      expect(log.logEndOffset).toBeLessThanOrEqual(model.end);
      for (let offset = log.logEndOffset; offset < model.end; offset += 1) model.values.delete(offset);
      model.end = log.logEndOffset;
    }
    this.check(log, model, kind);
  }

  check(log: Log, model: Model, kind: string): void {
    if (kind === 'delete') return;
    expect(log).toMatchObject({ topicId: model.id, logEndOffset: model.end, highWatermark: model.end });
    const expected = [...model.values].filter(([offset]) => offset >= log.logStartOffset).map(([offset, value]) => ({ offset, value }));
    expect(readAll(log).map(({ offset, value }) => ({ offset, value }))).toEqual(expected);
    expect(log.bytesAvailable(log.logStartOffset, log.logEndOffset) > 0).toBe(expected.length > 0);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(log.bytesAvailable(log.logStartOffset, log.logEndOffset));
  }
}

const share = fc.double({ min: 0, max: 1, noNaN: true });
const partition = fc.integer({ min: 0, max: PARTITIONS - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.tuple(fc.constant('append' as const), partition, share) },
  { weight: 7, arbitrary: fc.tuple(fc.constantFrom('truncate' as const, 'empty' as const, 'trim' as const, 'delete' as const, 'flush' as const, 'retain' as const, 'full' as const), partition, share) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('crash' as const, 'kill' as const, 'stop' as const, 'time' as const, 'checkpoint' as const)) },
);

describe('a store', () => {
  it('agrees with lists in memory, whatever is done to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 50 }), async (steps) => {
        const world = new World();
        await world.begin();
        for (const one of steps) await world.run(one);
        await world.run(['kill']);
        await world.run(['stop']);
      }),
      { numRuns: 80 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import type { Log, StoreManager, TopicConfigView } from '../../src/storage/index.ts';
import { FakeClock, fakePorts, settle } from './support/ports.ts';
import type { FakePorts } from './support/ports.ts';
import { afterKill, append, batchOf, CLIENT, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

type Step =
  | { readonly kind: 'append'; readonly records: number; readonly size: number; readonly wait: boolean }
  | { readonly kind: 'flush' | 'checkpoint' | 'crash' | 'kill' | 'stop' | 'turn' | 'tick' }
  | { readonly kind: 'trim'; readonly share: number };

const PRODUCER = 77;

/** One log, what was appended to it, and what of that must never be lost. */
class Life {
  ports: FakePorts = fakePorts(3);
  readonly config: TopicConfigView;
  disk!: MemoryDisk;
  store!: StoreManager;
  log!: Log;
  /** By offset. */
  values: string[] = [];
  /** First offset, first sequence and bytes of each batch, by order. */
  batches: { readonly first: number; readonly bytes: Buffer }[] = [];
  /** Offsets below are known to be durable. */
  durable = 0;
  /** Offsets below have been acknowledged at all. */
  acknowledged = 0;
  start = 0;
  #generation = 0;

  constructor(flushMessages: number) {
    this.config = topicConfig({ segmentBytes: 900, flushMessages, indexIntervalBytes: 100 });
  }

  async begin(): Promise<void> {
    const { store, disk } = await startStore({ ports: this.ports, config: this.config });
    this.disk = disk;
    this.store = store;
    this.log = await store.open('events', 3, TOPIC_ID, this.config);
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'append':
        return this.append(step.records, step.size, step.wait);
      case 'flush': {
        const end = this.values.length;
        const generation = this.#generation;
        this.log.flush((error) => {
          if (error === null && generation === this.#generation) this.durable = Math.max(this.durable, end);
        });
        return;
      }
      case 'checkpoint':
        return this.store.checkpoint();
      case 'turn':
        return settle();
      case 'tick':
        return this.ports.clock.advance(61_000);
      case 'trim':
        return this.trim(step.share);
      case 'stop':
        await this.store.close();
        this.durable = this.values.length;
        return this.restart(this.disk);
      case 'kill':
        return this.restart(afterKill(this.disk, this.ports));
      case 'crash':
        return this.restart(this.disk.crash());
    }
  }

  async append(records: number, size: number, wait: boolean): Promise<void> {
    const first = this.values.length;
    const values = Array.from({ length: records }, (_, index) => `${first + index}:`.padEnd(size, String(this.#generation % 10)));
    const bytes = batchOf(values, { producerId: PRODUCER, producerEpoch: 0, baseSequence: first });
    const generation = this.#generation;
    const appended = new Promise<void>((resolve) => {
      this.log.append(bytes, CLIENT, (error, info) => {
        resolve();
        // A process that is dead tells nobody anything.
        if (generation !== this.#generation) return;
        expect(error).toBeNull();
        expect(info?.firstOffset).toBe(first);
        this.noteAcknowledged(first + records);
      });
    });
    this.values.push(...values);
    this.batches.push({ first, bytes });
    if (wait) await appended;
  }

  noteAcknowledged(end: number): void {
    this.acknowledged = Math.max(this.acknowledged, end);
    if (this.config.flushMessages === 1) this.durable = Math.max(this.durable, end);
  }

  async trim(share: number): Promise<void> {
    const offset = this.start + Math.floor((this.log.highWatermark - this.start) * share);
    this.start = await this.log.deleteRecordsBefore(offset);
    this.log.applyRetention(this.ports.clock.now());
  }

  async restart(disk: MemoryDisk): Promise<void> {
    const mustHave = disk.files === this.disk.files ? this.values.length : this.durable;
    this.#generation += 1;
    this.disk = disk;
    // The timers of the process before died with it.
    this.ports = { ...this.ports, clock: new FakeClock(this.ports.clock.wallMs) };
    const { store } = await startStore({ disk, ports: this.ports, config: this.config });
    this.store = store;
    this.log = store.get('events', 3) ?? (await store.open('events', 3, TOPIC_ID, this.config));
    await this.check(mustHave);
  }

  async check(mustHave: number): Promise<void> {
    const end = this.log.logEndOffset;
    expect(end).toBeGreaterThanOrEqual(mustHave);
    expect(end).toBeLessThanOrEqual(this.values.length);
    this.values.length = end;
    this.batches = this.batches.filter((batch) => batch.first < end);
    this.durable = Math.min(this.durable, end);
    this.acknowledged = Math.min(this.acknowledged, end);
    expect(this.log.logStartOffset).toBe(this.start);
    const records = readAll(this.log);
    expect(records.map((record) => record.offset)).toEqual(Array.from({ length: end - this.start }, (_, index) => this.start + index));
    for (const record of records) expect(record.value).toBe(this.values[record.offset]);
    await this.checkProducer(end);
  }

  /** Idempotence goes on where the log ends. */
  async checkProducer(end: number): Promise<void> {
    const last = this.batches.at(-1);
    if (last === undefined || last.first < this.start) return;
    const again = await append(this.log, last.bytes);
    expect(again).toMatchObject({ duplicate: true, firstOffset: last.first });
    const gap = batchOf(['gap'], { producerId: PRODUCER, producerEpoch: 0, baseSequence: end + 1 });
    expect((await refusal(append(this.log, gap))).kind).toBe('outOfOrderSequence');
    expect(this.log.logEndOffset).toBe(end);
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('append' as const), records: fc.integer({ min: 1, max: 4 }), size: fc.integer({ min: 4, max: 120 }), wait: fc.boolean() }) },
  { weight: 6, arbitrary: fc.constantFrom<Step>({ kind: 'flush' }, { kind: 'checkpoint' }, { kind: 'turn' }, { kind: 'tick' }) },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ kind: 'crash' }, { kind: 'kill' }, { kind: 'stop' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);

async function live(flushMessages: number, steps: readonly Step[]): Promise<void> {
  const life = new Life(flushMessages);
  await life.begin();
  for (const one of steps) await life.run(one);
  await life.run({ kind: 'kill' });
  await life.run({ kind: 'stop' });
}

/** Every run takes another seed; a failure prints it. */
const options = { numRuns: 80, ...(process.env.TIDELOG_FUZZ_SEED === undefined ? {} : { seed: Number(process.env.TIDELOG_FUZZ_SEED) }) };

describe('a crash', () => {
  it('that leaves the first of two segments empty leaves a log that can be appended to', async () => {
    await live(Number.MAX_SAFE_INTEGER, [
      { kind: 'append', records: 4, size: 85, wait: false },
      { kind: 'append', records: 4, size: 92, wait: false },
      { kind: 'crash' },
      { kind: 'append', records: 1, size: 4, wait: false },
    ]);
  });

  it('loses nothing that was acknowledged with flush.messages=1, and serves nothing torn', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => live(1, steps)), options);
  });

  it('of the process alone loses nothing that was acknowledged; of the machine nothing that was flushed', async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => live(Number.MAX_SAFE_INTEGER, steps)), options);
  });
});

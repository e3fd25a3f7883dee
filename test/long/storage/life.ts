/** One history: a store on a machine that fails in many ways, against models of its logs. */
import { DiskError } from '../../../src/base/disk.ts';
import { InlineCompactor } from '../../../src/record/compact/compactor.ts';
import { nextBatch } from '../../../src/record/batchHeader.ts';

import { StoreError, createStore } from '../../../src/storage/index.ts';
import type { StoreManager, TopicConfigView } from '../../../src/storage/index.ts';
import { FakeClock } from '../../storage/support/ports.ts';
import type { FakePorts } from '../../storage/support/ports.ts';
import { topicConfig, TOPIC_ID } from '../../storage/support/store.ts';
import { must } from '../support/must.ts';
import type { Machine } from './machine.ts';
import { LaterInflater } from './laterInflater.ts';
import { LogModel } from './logModel.ts';
import type { Flip, History, Step } from './steps.ts';

const TOPIC = 'events';
/** On a machine that does much else. */
const ANSWER_MS_MAX = 30_000;
/** Before it lie a batch's offset, length, epoch and magic, and the checksum itself. */
const CHECKED_FROM = 17;
const FULL = ['diskFull', 'outOfOrderSequence'];

type Restart = Extract<Step, { kind: 'restart' }>;

/** Counts of what happened, to see that histories are not empty. */
export interface Tally {
  acknowledged: number;
  restarts: number;
  refusedStarts: number;
  failedSyncs: number;
  refusedAppends: number;
}

export const emptyTally = (): Tally => ({ acknowledged: 0, restarts: 0, refusedStarts: 0, failedSyncs: 0, refusedAppends: 0 });

export class Life {
  readonly models = [new LogModel(0), new LogModel(1)];
  readonly #machine: Machine;
  readonly #config: TopicConfigView;
  readonly #tally: Tally;
  #ports: FakePorts;
  #store!: StoreManager;
  /** Counts processes: what an older one says is nobody's concern. */
  #process = 0;
  #isOffline = false;
  #isFull = false;

  constructor(machine: Machine, ports: FakePorts, flushMessages: number, tally: Tally) {
    this.#machine = machine;
    this.#ports = ports;
    this.#tally = tally;
    this.#config = topicConfig({ segmentBytes: 900, flushMessages, indexIntervalBytes: 100, fileDeleteDelayMs: 1000 });
  }

  async run(history: History): Promise<void> {
    await this.#start();
    for (const model of this.models) model.log = await this.#store.open(TOPIC, model.partition, TOPIC_ID, this.#config);
    for (const step of history.steps) await this.#step(step);
    const plain = { kind: 'restart', faults: { tears: true, reorders: false, pageBytes: 512 }, tailFlips: [], flip: null } as const;
    await this.#step({ ...plain, how: 'kill' });
    await this.#step({ ...plain, how: 'stopAndCrash' });
    await this.#store.close();
  }

  async #start(): Promise<void> {
    const { disk, root } = this.#machine;
    this.#isOffline = false;
    const process = (this.#process += 1);
    const store = createStore({ disk, ports: this.#ports, directories: [root], highWatermarkFollowsEnd: true, inflater: new LaterInflater(), compactor: new InlineCompactor() });
    store.onDirectoryOffline = () => {
      // One that is dead may still find that its disk is gone.
      if (process !== this.#process) return;
      this.#isOffline = true;
      this.#tally.failedSyncs += 1;
      for (const { refusals } of this.models) refusals.add('storage');
    };
    await store.start(() => this.#config);
    this.#store = store;
  }

  async #step(step: Step): Promise<void> {
    if (step.kind === 'restart') return this.#restart(step);
    if (this.#isOffline) return;
    switch (step.kind) {
      case 'append':
        return this.#append(step);
      case 'flush':
        return this.#flush(this.models[step.log]!);
      case 'truncate':
      case 'trim':
        if (!this.#isFull) await this.#cut(this.models[step.log]!, step.kind, step.share);
        return;
      case 'checkpoint':
        return this.#checkpoint();
      case 'tick':
        return this.#ports.clock.advance(61_000);
      case 'turn':
        return turns(2);
      case 'retain':
        for (const { log } of this.models) log.applyRetention(this.#ports.clock.now());
        return;
      case 'failSync':
        for (const { refusals } of this.models) refusals.add('storage');
        return this.#machine.failNextSync();
      case 'full':
        return this.#fill(step.bytes);
      case 'room':
        this.#machine.leaveRoom(Infinity);
        this.#isFull = false;
        return;
    }
  }

  async #checkpoint(): Promise<void> {
    try {
      await this.#store.checkpoint();
    } catch (error) {
      const isExpected = error instanceof DiskError && (this.#isFull ? error.code === 'ENOSPC' : this.#isOffline);
      if (!isExpected) throw error;
    }
  }

  async #append({ log, records, sizeBytes, waits, codec }: Extract<Step, { kind: 'append' }>): Promise<void> {
    const model = this.models[log]!;
    if (model.isProducerNew) await patiently(model.answered(), () => this.#ports.clock.advance(1));
    const isDurable = this.#config.flushMessages === 1;
    const appended = model.append(records, sizeBytes, codec, (end) => {
      this.#tally.acknowledged += records;
      return isDurable || end <= model.log.durableOffset;
    });
    appended.catch(() => {});
    if (!waits) return;
    await patiently(appended, () => this.#ports.clock.advance(1));
  }

  async #flush(model: LogModel): Promise<void> {
    // What waits in the queue of appends is not in the log yet.
    const end = Math.min(model.end, model.log.logEndOffset);
    const { life } = model;
    await new Promise<void>((resolve) => {
      model.log.flush((error) => {
        if (error === null && life === model.life) model.durable = Math.max(model.durable, end);
        resolve();
      });
    });
  }

  async #cut(model: LogModel, kind: 'truncate' | 'trim', share: number): Promise<void> {
    await patiently(model.answered(), () => this.#ports.clock.advance(1));
    if (this.#isOffline) return;
    const offset = model.start + Math.floor((model.end - model.start) * share);
    try {
      if (kind === 'trim') {
        model.start = await model.log.deleteRecordsBefore(offset);
        model.log.applyRetention(this.#ports.clock.now());
        return;
      }
      model.expectCut(offset);
      await model.log.truncateTo(offset);
      // A directory that went offline meanwhile may not have written where the log starts now.
      if (this.#isOffline) return;
      model.cut(model.log.logEndOffset);
      model.start = Math.min(model.start, model.end);
      must(model.log.logEndOffset === model.end && model.end <= offset, `a log cut to ${offset} ends at ${model.log.logEndOffset}`);
    } catch (error) {
      if (!this.#isOffline) throw error;
    }
  }

  #fill(bytes: number): void {
    this.#machine.leaveRoom(bytes);
    this.#isFull = true;
    for (const { refusals } of this.models) for (const kind of FULL) refusals.add(kind);
  }

  // Restarts.

  async #restart({ how, faults, tailFlips, flip }: Restart): Promise<void> {
    this.#tally.restarts += 1;
    const mustHave = await this.#end(how, faults);
    if (how === 'crash') for (const [index, model] of this.models.entries()) this.#flipTail(model, tailFlips[index] ?? null);
    this.#isFull = false;
    if (flip !== null) await this.#startFlipped(flip);
    else await this.#start();
    for (const [index, model] of this.models.entries()) {
      model.beginLife(this.#store.get(TOPIC, model.partition) ?? (await this.#store.open(TOPIC, model.partition, TOPIC_ID, this.#config)));
      await model.check(mustHave[index]!);
    }
  }

  /** Ends the process, and the power with it where told; returns what of each log must be there afterwards. */
  async #end(how: Restart['how'], faults: Restart['faults']): Promise<number[]> {
    const clock = new FakeClock(this.#ports.clock.wallMs);
    if (how === 'stop' || how === 'stopAndCrash') await this.#stop();
    // A process that could not sync would find in the page cache what is not on the medium.
    const outlivesPower = how === 'crash' || how === 'stopAndCrash' || this.#isOffline || this.#machine.hasFailedSync;
    const mustHave = this.models.map((model) => (outlivesPower ? model.durable : model.answeredEnd));
    this.#ports = { ...this.#ports, clock };
    this.#process += 1;
    for (const model of this.models) model.endLife();
    if (outlivesPower) await this.#machine.crash(clock, faults);
    else await this.#machine.kill(clock);
    return mustHave;
  }

  async #stop(): Promise<void> {
    const wasOffline = this.#isOffline;
    // What waits in a queue is refused, not lost.
    for (const { refusals } of this.models) refusals.add('closed');
    const closed = this.#store.close();
    await patiently(closed, () => this.#ports.clock.advance(1));
    if (wasOffline || this.#isOffline || this.#isFull) return;
    for (const model of this.models) {
      await model.answered();
      model.durable = model.end;
    }
  }

  /** Turns over one bit of what was not durable, where the checksum of a batch tells: not of its offset or epoch, which it does not cover. */
  #flipTail(model: LogModel, flip: Flip | null): void {
    if (flip === null || model.mayBeCut) return;
    const folder = `/${TOPIC}-${model.partition}/`;
    // What the log has synced by itself was not acknowledged as durable, but a recovery does not read it again.
    const durable = Math.max(model.durable, model.log.durableOffset);
    const places: { path: string; at: number; lengthBytes: number }[] = [];
    for (const { path } of this.#machine.files().filter((file) => file.path.includes(folder) && file.path.endsWith('.log'))) {
      const bytes = this.#machine.read(path);
      for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
        if (bytes.readBigInt64BE(at) >= durable) places.push({ path, at: at + CHECKED_FROM, lengthBytes: next - at - CHECKED_FROM });
      }
    }
    const place = places[Math.floor(flip.position * places.length)];
    if (place !== undefined) this.#machine.flipBit(place.path, place.at + Math.floor(flip.position * 7919) % place.lengthBytes, flip.bit);
  }

  /** A damaged file may be found out, and then the start is refused; it must not cost a record. */
  async #startFlipped(flip: Flip): Promise<void> {
    const files = this.#machine.files().filter(({ path, sizeBytes }) => !path.endsWith('.log') && !path.endsWith('.lock') && sizeBytes > 0);
    const file = files[Math.floor(flip.file * files.length)];
    if (file === undefined) return this.#start();
    const position = Math.floor(flip.position * file.sizeBytes);
    this.#machine.flipBit(file.path, position, flip.bit);
    try {
      await this.#start();
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      must(error.message.includes(this.#machine.root), `a start is refused, and not because of ${file.path}: ${error.message}`);
      this.#tally.refusedStarts += 1;
      this.#machine.flipBit(file.path, position, flip.bit);
      await this.#start();
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass until it has come. */
async function patiently(what: Promise<unknown>, pass: () => Promise<void>): Promise<void> {
  let isOver = false;
  const over = what.finally(() => (isOver = true));
  over.catch(() => {});
  const begunMs = Date.now();
  for (let turn = 0; !isOver; turn += 1) {
    if (turn > 200 && Date.now() - begunMs > ANSWER_MS_MAX) throw new Error('an answer never came');
    if (turn < 1000) await turns(1);
    else await new Promise((resolve) => setTimeout(resolve, 1));
    if (!isOver && turn > 20) await pass();
  }
  await over;
}

export async function live(machine: Machine, ports: FakePorts, history: History, tally: Tally): Promise<void> {
  await new Life(machine, ports, history.flushMessages, tally).run(history);
}

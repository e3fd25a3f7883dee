/** One history: a store on a machine that fails in many ways, against models of its logs. */
import { InlineCompactor } from '../../../src/record/compact/compactor.ts';
import { InlineInflater } from '../../../src/record/inlineInflater.ts';
import { StoreError, createStore } from '../../../src/storage/index.ts';
import type { StoreManager, TopicConfigView } from '../../../src/storage/index.ts';
import { FakeClock } from '../../storage/support/ports.ts';
import type { FakePorts } from '../../storage/support/ports.ts';
import { topicConfig, TOPIC_ID } from '../../storage/support/store.ts';
import { must } from '../support/must.ts';
import type { Machine } from './machine.ts';
import { LogModel } from './logModel.ts';
import type { Flip, History, Step } from './steps.ts';

const TOPIC = 'events';
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
    const plain = { kind: 'restart', faults: { tears: true, reorders: false, flips: false, pageBytes: 512 }, flip: null } as const;
    await this.#step({ ...plain, how: 'kill' });
    await this.#step({ ...plain, how: 'stop' });
    await this.#step({ ...plain, how: 'crash' });
    await this.#store.close();
  }

  async #start(): Promise<void> {
    const { disk, root } = this.#machine;
    this.#isOffline = false;
    const process = (this.#process += 1);
    const store = createStore({ disk, ports: this.#ports, directories: [root], highWatermarkFollowsEnd: true, inflater: new InlineInflater(), compactor: new InlineCompactor() });
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
        return this.#store.checkpoint();
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

  async #append({ log, records, sizeBytes, waits, codec }: Extract<Step, { kind: 'append' }>): Promise<void> {
    const model = this.models[log]!;
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
      await model.log.truncateTo(offset);
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

  async #restart({ how, faults, flip }: Restart): Promise<void> {
    this.#tally.restarts += 1;
    const mustHave = await this.#end(how, faults);
    this.#isFull = false;
    if (flip !== null) await this.#startFlipped(flip);
    else await this.#start();
    for (const [index, model] of this.models.entries()) {
      model.nextLife(this.#store.get(TOPIC, model.partition) ?? (await this.#store.open(TOPIC, model.partition, TOPIC_ID, this.#config)));
      await model.check(mustHave[index]!);
    }
  }

  /** Ends the process, and the power with it where told; returns what of each log must be there afterwards. */
  async #end(how: Restart['how'], faults: Restart['faults']): Promise<number[]> {
    const clock = new FakeClock(this.#ports.clock.wallMs);
    if (how === 'stop' || how === 'stopAndCrash') await this.#stop();
    // A process that could not sync would find in the page cache what is not on the medium.
    const outlivesPower = how === 'crash' || how === 'stopAndCrash' || this.#isOffline;
    const mustHave = this.models.map((model) => (outlivesPower ? model.durable : model.answeredEnd));
    this.#ports = { ...this.#ports, clock };
    this.#process += 1;
    if (outlivesPower) await this.#machine.crash(clock, faults);
    else await this.#machine.kill(clock);
    return mustHave;
  }

  async #stop(): Promise<void> {
    const wasOffline = this.#isOffline;
    const closed = this.#store.close();
    await patiently(closed, () => this.#ports.clock.advance(1));
    if (wasOffline || this.#isOffline || this.#isFull) return;
    for (const model of this.models) {
      await model.answered();
      model.durable = model.end;
    }
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
      must(error.message.includes(file.path), `a start is refused, and not because of ${file.path}: ${error.message}`);
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
  for (let turn = 0; turn < 2000 && !isOver; turn += 1) {
    await turns(1);
    if (!isOver && turn > 20) await pass();
  }
  if (!isOver) throw new Error('an answer never came');
  await over;
}

export async function live(machine: Machine, ports: FakePorts, history: History, tally: Tally): Promise<void> {
  await new Life(machine, ports, history.flushMessages, tally).run(history);
}

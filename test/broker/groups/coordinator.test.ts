import { describe, expect, it } from 'vitest';
import { CoordinatorRuntime } from '../../../src/broker/coordinator.ts';
import type { CoordinatorMachine, CoordinatorShard, ShardHost } from '../../../src/broker/coordinator.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ArrayLog, drain, FakeClock, silentLogger } from './support.ts';

/** A sum that records add to. */
class Sum {
  readonly host: ShardHost<number>;
  value = 0;
  endedWith: number | null = null;
  activations = 0;

  constructor(host: ShardHost<number>) {
    this.host = host;
  }
}

const machine: CoordinatorMachine<Sum, number> = {
  create: (host) => new Sum(host),
  apply: (state, change, undo) => {
    state.value += change;
    undo?.push(() => (state.value -= change));
  },
  encode: (change) => ({ key: Buffer.from('k'), value: Buffer.from(String(change)) }),
  decode: (_key, value) => (value === null ? null : Number(value.toString())),
  onActive: (state) => {
    state.activations++;
  },
  onInactive: (state, errorCode) => {
    state.endedWith = errorCode;
  },
};

interface World {
  readonly clock: FakeClock;
  readonly log: ArrayLog;
  readonly shard: CoordinatorShard<Sum, number>;
  readonly runtime: CoordinatorRuntime<Sum, number>;
  readonly settled: [string, number][];
  readonly turn: () => void;
  readonly add: (name: string, ...changes: number[]) => number;
}

async function start(options: { batchBytesMax?: number; pendingWritesMax?: number; machine?: Partial<CoordinatorMachine<Sum, number>>; lines?: string[] } = {}): Promise<World> {
  const clock = new FakeClock();
  const log = new ArrayLog();
  const tasks: (() => void)[] = [];
  const runtime = new CoordinatorRuntime<Sum, number>({ ...machine, ...options.machine }, log, { clock, logger: silentLogger(options.lines) }, {
    commitTimeoutMs: 1_000, batchBytesMax: options.batchBytesMax ?? 1_000, pendingWritesMax: options.pendingWritesMax ?? 100, loadRetryMs: 50, defer: (task) => void tasks.push(task),
  });
  runtime.onElected(0);
  await drain();
  const shard = runtime.shard(0);
  const settled: [string, number][] = [];
  const turn = (): void => {
    while (tasks.length > 0) tasks.shift()!();
  };
  const add = (name: string, ...changes: number[]): number => shard.submit(() => ({ changes, settle: (code) => void settled.push([name, code]) }));
  return { clock, log, shard, runtime, settled, turn, add };
}

describe('a shard', () => {
  it('applies at once, appends once a turn, and settles in order', async () => {
    const { log, shard, settled, turn, add } = await start();
    add('a', 1, 2);
    add('b', 3);
    expect(shard.current!.value).toBe(6);
    expect(settled).toEqual([]);
    turn();
    expect(settled).toEqual([['a', 0], ['b', 0]]);
    expect(log.batchSizes).toEqual([3]);
  });

  it('settles a write of nothing at once, or behind what is on its way', async () => {
    const { log, settled, turn, add } = await start();
    add('idle');
    expect(settled).toEqual([['idle', 0]]);
    log.isManual = true;
    add('a', 1);
    turn();
    add('behind');
    expect(settled).toHaveLength(1);
    log.complete();
    expect(settled.slice(1)).toEqual([['a', 0], ['behind', 0]]);
  });

  it('splits batches at their limit, but never one decision', async () => {
    const { log, turn, add } = await start({ batchBytesMax: 100 });
    for (let i = 0; i < 10; i++) add(`${i}`, i);
    add('large', ...Array.from({ length: 20 }, () => 1));
    turn();
    expect(log.batchSizes).toEqual([3, 3, 3, 1, 20]);
  });

  it('takes back a failed batch and all after it, last first', async () => {
    const order: number[] = [];
    const apply: CoordinatorMachine<Sum, number>['apply'] = (state, change, undo) => {
      state.value += change;
      undo?.push(() => {
        order.push(change);
        state.value -= change;
      });
    };
    const { log, shard, settled, turn, add } = await start({ machine: { apply } });
    add('kept', 10);
    turn();
    log.isManual = true;
    add('a', 1, 2);
    turn();
    add('b', 3);
    log.complete(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(order).toEqual([3, 2, 1]);
    expect(shard.current!.value).toBe(10);
    expect(settled).toEqual([['kept', 0], ['a', ErrorCode.NOT_ENOUGH_REPLICAS], ['b', ErrorCode.NOT_ENOUGH_REPLICAS]]);
    turn();
    expect(log.pending).toEqual([]);
  });

  it('holds what was written although it is not known to be replicated', async () => {
    const { log, shard, settled, turn, add } = await start();
    log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND];
    add('a', 1);
    turn();
    expect(settled).toEqual([['a', ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND]]);
    expect(shard.current!.value).toBe(1);
  });

  it('goes on when somebody fails to hear, when a log throws and when a timer fails', async () => {
    const { clock, log, shard, settled, turn, add } = await start();
    shard.submit(() => ({ changes: [1], settle: () => { throw new Error('deaf'); } }));
    add('b', 2);
    turn();
    expect(settled).toEqual([['b', 0]]);
    log.append = () => { throw new Error('broken'); };
    add('c', 4);
    turn();
    expect(settled[1]).toEqual(['c', ErrorCode.UNKNOWN_SERVER_ERROR]);
    expect(shard.current!.value).toBe(3);
    shard.timers.create(() => { throw new Error('defect'); }).set(1);
    expect(() => clock.advance(1)).not.toThrow();
  });

  it('ignores a second answer of the log, and one for an earlier life', async () => {
    const { log, runtime, shard, settled, turn, add } = await start();
    log.isManual = true;
    add('a', 1);
    turn();
    const [{ done } = { done: () => undefined }] = log.pending;
    done(0);
    done(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(settled).toEqual([['a', 0]]);
    add('b', 2);
    turn();
    const late = log.pending.at(-1)!.done;
    runtime.onResigned(0);
    expect(settled[1]).toEqual(['b', ErrorCode.NOT_COORDINATOR]);
    runtime.onElected(0);
    await drain();
    late(ErrorCode.NOT_ENOUGH_REPLICAS);
    expect(shard.isActive).toBe(true);
  });

  it('ends the state with the error that clients are told, before its pending writes', async () => {
    const events: string[] = [];
    const onInactive = (_state: Sum, code: number): void => void events.push(`inactive ${code}`);
    const { log, shard, turn } = await start({ machine: { onInactive } });
    log.failures = [ErrorCode.KAFKA_STORAGE_ERROR];
    log.led.clear();
    shard.submit(() => ({ changes: [1], settle: (code) => void events.push(`settled ${code}`) }));
    turn();
    expect(events).toEqual([`inactive ${ErrorCode.NOT_COORDINATOR}`, `settled ${ErrorCode.KAFKA_STORAGE_ERROR}`]);
    expect(shard.current).toBeNull();
    expect(shard.unavailable()).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('keeps its state and its lead when a log that stays in use has no room, and says so once', async () => {
    const lines: string[] = [];
    const { log, shard, settled, turn, add } = await start({ lines });
    add('kept', 10);
    turn();
    log.failures = [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.KAFKA_STORAGE_ERROR];
    for (const name of ['a', 'b']) {
      add(name, 1);
      turn();
    }
    expect(settled.slice(1)).toEqual([['a', ErrorCode.COORDINATOR_NOT_AVAILABLE], ['b', ErrorCode.COORDINATOR_NOT_AVAILABLE]]);
    expect(shard.current).toMatchObject({ value: 10, endedWith: null, activations: 1 });
    expect(lines.filter((line) => line.includes('could not write'))).toHaveLength(1);
    add('c', 2);
    turn();
    expect(settled.at(-1)).toEqual(['c', 0]);
    expect(shard.current!.value).toBe(12);
  });

  it('refuses more than its bound without running the decision', async () => {
    const { log, shard, turn, add } = await start({ pendingWritesMax: 2 });
    log.isManual = true;
    expect([add('a', 1), add('b', 1), add('c', 1)]).toEqual([0, 0, ErrorCode.COORDINATOR_NOT_AVAILABLE]);
    expect(shard.current!.value).toBe(2);
    turn();
    log.complete();
    expect(add('d', 1)).toBe(0);
  });

  it('that cannot take up its state is given up', async () => {
    const { shard } = await start({ machine: { onActive: () => { throw new Error('defect'); } } });
    expect(shard.isActive).toBe(false);
  });
});

describe('timers of a shard', () => {
  it('fire once at the last deadline set, earlier or later than before', async () => {
    const { clock, shard } = await start();
    const fired: number[] = [];
    const timer = shard.timers.create(() => fired.push(clock.monotonicMs()));
    timer.set(100);
    clock.advance(50);
    timer.set(100);
    clock.advance(99);
    expect(fired).toEqual([]);
    clock.advance(1);
    timer.set(100);
    timer.set(10);
    clock.advance(500);
    expect(fired).toEqual([150, 160]);
  });

  it('reach deadlines beyond what a timer can hold, and take negative ones for now', async () => {
    const { clock, shard } = await start();
    const fired: string[] = [];
    shard.timers.create(() => fired.push('far')).set(2 ** 31 + 5);
    shard.timers.create(() => fired.push('now')).set(-1);
    clock.advance(2 ** 31 + 4);
    expect(fired).toEqual(['now']);
    clock.advance(1);
    expect(fired).toEqual(['now', 'far']);
  });

  it('go with the shard, and none can be set on one that is not active', async () => {
    const { clock, runtime, shard } = await start();
    const timer = shard.timers.create(() => { throw new Error('fired'); });
    timer.set(10);
    runtime.onResigned(0);
    timer.set(10);
    expect(clock.timerCount).toBe(0);
    expect(timer.isSet).toBe(false);
  });
});

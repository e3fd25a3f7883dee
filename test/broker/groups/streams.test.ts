import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignTasks } from '../../../src/broker/groups/streams/assignor.ts';
import type { TaskAssignorInput } from '../../../src/broker/groups/streams/assignor.ts';
import { configureTopology } from '../../../src/broker/groups/streams/topology.ts';
import type { ClusterView } from '../../../src/broker/groups/cluster.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import type { DescribedGroup } from '../../../src/protocol/generated/streamsGroupDescribe.ts';
import { makeStreamsGroupHeartbeatRequest } from '../../../src/protocol/generated/streamsGroupHeartbeat.ts';
import type { StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse, Topology } from '../../../src/protocol/generated/streamsGroupHeartbeat.ts';
import type { GroupSettings } from '../../../src/broker/groups/settings.ts';
import { ArrayLog, defaultSettings, Harness } from './support.ts';

type Tasks = { subtopologyId: string; partitions: number[] }[];

const topic = (name: string, partitions = 0) => ({ name, partitions, replicationFactor: 0, topicConfigs: [{ key: 'cleanup.policy', value: 'compact' }] });

/** One reads topic a into a repartition topic, the other counts what is there. */
const TOPOLOGY: Topology = {
  epoch: 0,
  subtopologies: [
    { subtopologyId: '0', sourceTopics: ['a'], sourceTopicRegex: [], stateChangelogTopics: [], repartitionSinkTopics: ['r'], repartitionSourceTopics: [], copartitionGroups: [] },
    { subtopologyId: '1', sourceTopics: [], sourceTopicRegex: [], stateChangelogTopics: [topic('c')], repartitionSinkTopics: [], repartitionSourceTopics: [topic('r')], copartitionGroups: [] },
  ],
};

/** A thread of a Streams application. */
class Thread {
  epoch = 0;
  tasks: Record<'activeTasks' | 'standbyTasks' | 'warmupTasks', Tasks> = { activeTasks: [], standbyTasks: [], warmupTasks: [] };
  last: StreamsGroupHeartbeatResponse | null = null;
  readonly harness: Harness;
  readonly memberId: string;
  readonly processId: string;
  constructor(harness: Harness, memberId: string, processId = memberId) {
    this.harness = harness;
    this.memberId = memberId;
    this.processId = processId;
  }

  send(fields: Partial<StreamsGroupHeartbeatRequest>): StreamsGroupHeartbeatResponse {
    const request = makeStreamsGroupHeartbeatRequest({ groupId: 'g', memberId: this.memberId, memberEpoch: this.epoch, rebalanceTimeoutMs: -1, ...fields });
    let response: StreamsGroupHeartbeatResponse | null = null;
    this.harness.coordinator.streamsHeartbeat(request, { clientId: 'client', host: '/10.0.0.1', apiVersion: 0 }, (error, answer) => {
      response = answer ?? ({ errorCode: error!.code, errorMessage: error!.message } as StreamsGroupHeartbeatResponse);
    });
    this.harness.turn();
    return this.take(response!);
  }

  private take(response: StreamsGroupHeartbeatResponse): StreamsGroupHeartbeatResponse {
    this.last = response;
    if (response.errorCode !== 0) return response;
    this.epoch = response.memberEpoch;
    const { activeTasks, standbyTasks, warmupTasks } = response;
    if (activeTasks !== null) this.tasks = { activeTasks, standbyTasks: standbyTasks!, warmupTasks: warmupTasks! };
    return response;
  }

  join(fields: Partial<StreamsGroupHeartbeatRequest> = {}): StreamsGroupHeartbeatResponse {
    this.epoch = 0;
    return this.send({
      rebalanceTimeoutMs: 30_000, topology: TOPOLOGY, processId: this.processId, activeTasks: [], standbyTasks: [], warmupTasks: [],
      userEndpoint: { host: this.memberId, port: 80 }, ...fields,
    });
  }

  beat(fields: Partial<StreamsGroupHeartbeatRequest> = {}): StreamsGroupHeartbeatResponse {
    return this.send({ ...this.tasks, endpointInformationEpoch: this.last?.endpointInformationEpoch ?? 0, ...fields });
  }

  get active(): string[] {
    return this.tasks.activeTasks.flatMap(({ subtopologyId, partitions }) => partitions.map((partition) => `${subtopologyId}_${partition}`)).toSorted();
  }

  get standby(): string[] {
    return this.tasks.standbyTasks.flatMap(({ subtopologyId, partitions }) => partitions.map((partition) => `${subtopologyId}_${partition}`)).toSorted();
  }
}

const settings = (fields: Partial<GroupSettings['streams']>): Partial<GroupSettings> => ({ streams: { ...defaultSettings.streams, ...fields } });

async function start(fields: Partial<GroupSettings> = {}, hasTopics = true): Promise<Harness> {
  const harness = await Harness.start(fields);
  harness.partitionCounts.set('a', 3);
  if (hasTopics) addTopics(harness);
  return harness;
}

function addTopics(harness: Harness): void {
  harness.topics.set('r', 'AAAAAAAAAAAAAAAAAAAABQ').set('c', 'AAAAAAAAAAAAAAAAAAAACQ');
  harness.partitionCounts.set('r', 3).set('c', 3);
  harness.version++;
}

const described = (harness: Harness): DescribedGroup => harness.coordinator.describeStreams('g') as DescribedGroup;
const statuses = ({ last }: Thread): number[] => (last!.status ?? []).map(({ statusCode }) => statusCode);

function settle(threads: readonly Thread[]): void {
  for (let round = 0; round < 20; round++) {
    const before = JSON.stringify(threads.map(({ epoch, tasks }) => [epoch, tasks]));
    for (const thread of threads) thread.beat();
    if (JSON.stringify(threads.map(({ epoch, tasks }) => [epoch, tasks])) === before && new Set(threads.map(({ epoch }) => epoch)).size === 1) return;
  }
  throw new Error('the group does not settle');
}

describe('a streams group', () => {
  it('has its internal topics made, and then shares the tasks out', async () => {
    const harness = await start({}, false);
    const one = new Thread(harness, 'one');
    expect(one.join()).toMatchObject({ errorCode: 0, memberEpoch: 2, activeTasks: [], heartbeatIntervalMs: 5_000 });
    expect(one.last!.status).toEqual([{ statusCode: 3, statusDetail: 'Internal topics are missing: c, r' }]);
    expect(harness.madeTopics.map(({ name, partitions, configs }) => [name, partitions, configs.get('cleanup.policy')])).toEqual([['r', 3, 'compact'], ['c', 3, 'compact']]);
    expect(described(harness).groupState).toBe('NotReady');
    addTopics(harness);
    one.beat();
    expect(one.active).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1', '1_2']);
    expect(statuses(one)).toEqual([]);
    expect(described(harness)).toMatchObject({ groupState: 'Stable', groupEpoch: 3, topology: { epoch: 0, subtopologies: [{ subtopologyId: '0' }, { subtopologyId: '1' }] } });
    expect(harness.coordinator.list({ states: [], types: ['streams'] })).toMatchObject([{ groupType: 'streams', protocolType: 'streams' }]);
    expect(one.last!.partitionsByUserEndpoint).toMatchObject([{ userEndpoint: { host: 'one', port: 80 }, activePartitions: [{ topic: 'a', partitions: [0, 1, 2] }, { topic: 'r', partitions: [0, 1, 2] }] }]);
  });

  it('moves a task only when it is given up', async () => {
    const harness = await start();
    const [one, two] = [new Thread(harness, 'one'), new Thread(harness, 'two')];
    one.join();
    expect(one.active).toHaveLength(6);
    two.join();
    expect(two.active).toEqual([]);
    one.send({});
    expect(one.active).toHaveLength(3);
    two.beat();
    expect(two.active).toEqual([]);
    settle([one, two]);
    expect([...one.active, ...two.active].toSorted()).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1', '1_2']);
    expect(described(harness).groupState).toBe('Stable');
    two.send({ memberEpoch: -1 });
    settle([one]);
    expect(one.active).toHaveLength(6);
  });

  it('keeps standbys of what has state in other processes', async () => {
    const harness = await start(settings({ standbyReplicas: 1 }));
    const threads = [new Thread(harness, 'one', 'p'), new Thread(harness, 'two', 'p'), new Thread(harness, 'three', 'q')];
    for (const thread of threads) thread.join();
    settle(threads);
    for (const thread of threads) expect(thread.active).toHaveLength(2);
    const all = threads.flatMap(({ standby }) => standby);
    expect(all.toSorted()).toEqual(['1_0', '1_1', '1_2']);
    const processOf = (task: string, role: 'active' | 'standby'): string | undefined => threads.find((thread) => thread[role].includes(task))?.processId;
    for (const task of all) expect(processOf(task, 'standby')).not.toBe(processOf(task, 'active'));
  });

  it('waits for more members at first', async () => {
    const harness = await start(settings({ initialRebalanceDelayMs: 3_000 }));
    const [one, two] = [new Thread(harness, 'one'), new Thread(harness, 'two')];
    expect(one.join()).toMatchObject({ errorCode: 0, memberEpoch: 1 });
    expect(statuses(one)).toEqual([5]);
    two.join();
    harness.advance(3_000);
    settle([one, two]);
    expect([one.active.length, two.active.length]).toEqual([3, 3]);
  });

  it('says what is wrong with the topics', async () => {
    const harness = await start();
    harness.partitionCounts.set('c', 5);
    const one = new Thread(harness, 'one');
    one.join();
    expect(statuses(one)).toEqual([2]);
    harness.partitionCounts.set('c', 3);
    harness.topics.delete('a');
    harness.version++;
    one.beat();
    expect(statuses(one)).toEqual([1]);
  });

  it('counts the partitions of topics that are written in a circle', () => {
    const one = (subtopologyId: string, sourceTopics: string[], from: string, to: string) => ({
      subtopologyId, sourceTopics, sourceTopicRegex: [], stateChangelogTopics: [], repartitionSinkTopics: [to], repartitionSourceTopics: [topic(from)], copartitionGroups: [],
    });
    const cluster = { partitionCountOf: (name: string) => (name === 'left' ? 4 : name === 'right' ? 2 : 0) } as unknown as ClusterView;
    const { taskCounts, missingTopics } = configureTopology({ epoch: 0, subtopologies: [one('0', ['left'], 'response', 'request'), one('1', ['right'], 'request', 'response')] }, cluster);
    expect(missingTopics.map(({ name, partitions }) => [name, partitions])).toEqual([['response', 2], ['request', 4]]);
    expect([...taskCounts!]).toEqual([['0', 4], ['1', 4]]);
  });

  it('tells all members that one wants the application to end', async () => {
    const harness = await start();
    const [one, two] = [new Thread(harness, 'one'), new Thread(harness, 'two')];
    one.join();
    two.join();
    one.beat({ shutdownApplication: true });
    two.beat();
    expect(statuses(two)).toEqual([4]);
  });

  it('refuses what cannot be, with Kafka\'s codes', async () => {
    const harness = await start(settings({ membersMax: 1 }));
    const one = new Thread(harness, 'one');
    expect(one.send({ memberEpoch: 3 }).errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    for (const fields of [{ memberId: '' }, { groupId: '' }, { rebalanceTimeoutMs: -1 }, { topology: null }, { activeTasks: null }, { instanceId: 'i' }]) {
      expect(one.join(fields).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    }
    const fixed = { ...TOPOLOGY, subtopologies: [{ ...TOPOLOGY.subtopologies[1]!, stateChangelogTopics: [topic('c', 3)] }] };
    expect(one.join({ topology: fixed }).errorCode).toBe(ErrorCode.STREAMS_INVALID_TOPOLOGY);
    expect(one.join().errorCode).toBe(0);
    expect(one.send({ ...one.tasks, memberEpoch: 9 }).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect(one.send({ activeTasks: [{ subtopologyId: '7', partitions: [0] }], standbyTasks: [], warmupTasks: [] }).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(one.join({ topology: { ...TOPOLOGY, subtopologies: [TOPOLOGY.subtopologies[0]!] } }).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect(new Thread(harness, 'two').join().errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(harness.join({ groupId: 'g' }).value!.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  it('is the same after a restart, goes when its members are silent, and can then be deleted', async () => {
    const harness = await start();
    const [one, two] = [new Thread(harness, 'one'), new Thread(harness, 'two')];
    one.join();
    two.join();
    settle([one, two]);
    const before = described(harness);
    const restarted = await harness.restart();
    expect(described(restarted)).toEqual(before);
    restarted.advance(46_000);
    expect(restarted.coordinator.list({ states: ['empty'], types: [] })).toHaveLength(1);
    let code = -1;
    restarted.coordinator.deleteGroup('g', (errorCode) => void (code = errorCode));
    restarted.turn();
    expect(code).toBe(0);
    const last = new Map(restarted.log.records[0]!.map(({ key, value }) => [Buffer.from(key).toString('hex'), value]));
    expect([...last.values()].filter((value) => value !== null)).toEqual([]);
  });

  it('takes everything back when the log does not take it', async () => {
    const log = new ArrayLog();
    const harness = await Harness.start({}, log);
    harness.partitionCounts.set('a', 3);
    addTopics(harness);
    const [one, two] = [new Thread(harness, 'one'), new Thread(harness, 'two')];
    one.join();
    const before = described(harness);
    log.failures = [ErrorCode.NOT_ENOUGH_REPLICAS];
    expect(two.join().errorCode).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(described(harness)).toEqual(before);
    two.join();
    settle([one, two]);
  });
});

const input: fc.Arbitrary<TaskAssignorInput> = fc
  .record({
    counts: fc.dictionary(fc.constantFrom('0', '1', '2'), fc.nat(8), { minKeys: 1 }),
    members: fc.uniqueArray(fc.record({ id: fc.nat(20), process: fc.nat(3) }), { selector: ({ id }) => id, minLength: 1, maxLength: 7 }),
    standbyReplicas: fc.nat(2),
  })
  .map(({ counts, members, standbyReplicas }) => ({
    taskCounts: new Map(Object.entries(counts)),
    members: members.map(({ id, process }) => ({ memberId: `m${id}`, processId: `p${process}`, target: { active: new Map(), standby: new Map(), warmup: new Map() } })),
    isStateful: (subtopologyId) => subtopologyId !== '0',
    standbyReplicas,
  }));

describe('the sticky task assignor', () => {
  it('spreads each subtopology, also when a second member comes', () => {
    const none = { active: new Map(), standby: new Map(), warmup: new Map() };
    const given = { taskCounts: new Map([['0', 2], ['1', 2]]), isStateful: (id: string) => id === '1', standbyReplicas: 1 };
    const active = (assigned: ReturnType<typeof assignTasks>, memberId: string) => [...assigned.get(memberId)!.active.keys()].toSorted();
    const alone = assignTasks({ ...given, members: [{ memberId: 'a', processId: 'a', target: none }] });
    const joined = assignTasks({ ...given, members: [{ memberId: 'a', processId: 'a', target: alone.get('a')! }, { memberId: 'b', processId: 'b', target: none }] });
    const fresh = assignTasks({ ...given, members: ['a', 'b'].map((id) => ({ memberId: id, processId: id, target: none })) });
    for (const assigned of [joined, fresh]) {
      for (const id of ['a', 'b']) {
        expect(active(assigned, id)).toEqual(['0', '1']);
        expect([...assigned.get(id)!.standby.keys()]).toEqual(['1']);
      }
    }
  });

  it('gives each task to one member, evenly, with standbys elsewhere, and moves nothing without need', () => {
    fc.assert(
      fc.property(input, (given) => {
        const assigned = assignTasks(given);
        const list = (tasks: ReadonlyMap<string, ReadonlySet<number>>): string[] => [...tasks].flatMap(([id, partitions]) => [...partitions].map((partition) => `${id}_${partition}`));
        const total = [...given.taskCounts.values()].reduce((sum, count) => sum + count, 0);
        const actives = [...assigned.values()].map(({ active }) => list(active));
        expect(new Set(actives.flat()).size).toBe(total);
        expect(actives.flat()).toHaveLength(total);
        const sizes = actives.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        const byProcess = new Map<string, string[]>();
        for (const { memberId, processId } of given.members) {
          const { active, standby } = assigned.get(memberId)!;
          byProcess.set(processId, [...(byProcess.get(processId) ?? []), ...list(active), ...list(standby)]);
        }
        for (const tasks of byProcess.values()) expect(new Set(tasks).size).toBe(tasks.length);
        const again = assignTasks({ ...given, members: given.members.map((member) => ({ ...member, target: assigned.get(member.memberId)! })) });
        for (const [memberId, { active }] of again) expect(list(active).toSorted()).toEqual(list(assigned.get(memberId)!.active).toSorted());
      }),
    );
  });
});

describe('streams groups, whatever happens', () => {
  type Step = { readonly kind: 'join' | 'beat' | 'lose' | 'leave'; readonly index: number } | { readonly kind: 'wait'; readonly ms: number } | { readonly kind: 'fail' };
  const index = fc.nat(3);
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('join', 'leave'), index }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('beat', 'lose'), index }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(100, 1_000, 46_000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'fail' as const }) },
  );
  /** Whoever is fenced has lost everything, and joins anew; whoever does not know says that it joins. */
  const heard = (threads: (Thread | null)[], at: number, { errorCode }: StreamsGroupHeartbeatResponse): void => {
    const thread = threads[at]!;
    if (errorCode === 0) return;
    thread.tasks = { activeTasks: [], standbyTasks: [], warmupTasks: [] };
    if (thread.join().errorCode !== 0) threads[at] = null;
  };
  const act = (harness: Harness, threads: (Thread | null)[], { kind, index: at }: Step & { readonly index: number }, run: number): void => {
    const thread = threads[at] ?? null;
    if (thread === null) {
      const joining = new Thread(harness, `m${at}-${run}`, `p${at % 2}`);
      if (kind === 'join' && joining.join().errorCode === 0) threads[at] = joining;
    } else if (kind === 'beat') heard(threads, at, thread.beat());
    else if (kind === 'lose') lose(thread);
    else if (kind === 'leave' && thread.send({ memberEpoch: -1 }).errorCode === 0) threads[at] = null;
  };
  /** A heartbeat whose answer does not come: what it knew stays what it knows. */
  const lose = (thread: Thread): void => {
    const { epoch, tasks, last } = thread;
    thread.beat();
    Object.assign(thread, { epoch, tasks, last });
  };
  /** No active task with two members, and no task twice in a process: by what the coordinator knows. */
  const check = (harness: Harness): void => {
    const group = described(harness);
    const active = group.members.flatMap(({ assignment }) => assignment.activeTasks.flatMap(({ subtopologyId, partitions }) => partitions.map((partition) => `${subtopologyId}_${partition}`)));
    expect(new Set(active).size).toBe(active.length);
    const here = group.members.flatMap(({ processId, assignment }) => [...assignment.activeTasks, ...assignment.standbyTasks].flatMap(({ subtopologyId, partitions }) => partitions.map((partition) => `${processId}/${subtopologyId}_${partition}`)));
    expect(new Set(here).size).toBe(here.length);
  };

  it('run no task twice, and settle with all tasks shared out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const harness = await start(settings({ standbyReplicas: 1, assignmentIntervalMs: { value: 1_000, min: 0, max: 15_000 } }));
        const threads: (Thread | null)[] = [null, null, null, null];
        const all: Step[] = [{ kind: 'join', index: 0 }, { kind: 'wait', ms: 1_000 }, { kind: 'join', index: 1 }, ...steps];
        for (const [run, action] of all.entries()) {
          if (action.kind === 'wait') harness.advance(action.ms);
          else if (action.kind === 'fail') harness.log.failures.push(19);
          else act(harness, threads, action, run);
          check(harness);
        }
        harness.log.failures = [];
        act(harness, threads, { kind: 'join', index: 2 }, all.length);
        check(harness);
        for (let round = 0; round < 12; round++) {
          harness.advance(5_000);
          threads.forEach((thread, at) => thread !== null && heard(threads, at, round === 0 ? { ...thread.last!, errorCode: 1 } : thread.beat()));
        }
        const alive = threads.filter((thread) => thread !== null);
        settle(alive);
        check(harness);
        expect(alive.flatMap(({ active }) => active).toSorted()).toEqual(['0_0', '0_1', '0_2', '1_0', '1_1', '1_2']);
        expect(described(harness).groupState).toBe('Stable');
      }),
      { numRuns: 60 },
    );
  });
});

/** Many partitions on one broker: what each costs in memory, to make, to describe, and to open again. */
import { performance } from 'node:perf_hooks';
import { createTopics, createTopicsRequest, metadata, metadataRequest, produce, produceRequest } from '../broker/load/calls.ts';
import { LoadConnection } from '../broker/load/connection.ts';
import { startBroker, type RunningBroker } from '../broker/process.ts';
import { cpuSeconds, residentMegabytes } from '../broker/processStats.ts';
import { summarise } from '../report/statistics.ts';

const PARTITIONS_PER_TOPIC = 1000;
const PROBES = 200;
const START_MILLISECONDS_MAX_PER_PARTITION = 20;
const START_MILLISECONDS_MAX = 60_000;

export interface PartitionFigures {
  readonly partitions: number;
  readonly createMicrosecondsPerPartition: number;
  readonly createCpuMicrosecondsPerPartition: number;
  readonly residentKilobytesPerPartition: number;
  readonly topicMetadataMilliseconds: number;
  readonly allMetadataMilliseconds: number;
  readonly partitionsDescribed: number;
  readonly produceMilliseconds: number;
  readonly stopSeconds: number;
  readonly restartSeconds: number;
  readonly restartCpuSeconds: number;
  readonly residentKilobytesPerPartitionAfterRestart: number;
  readonly restartAfterKillSeconds: number;
  readonly restartAfterKillCpuSeconds: number;
}

export async function measurePartitions(root: string, dataFolder: string, partitions: number, batch: Buffer, say: (line: string) => void): Promise<PartitionFigures> {
  const options = { dataFolder, startTimeoutMs: START_MILLISECONDS_MAX + partitions * START_MILLISECONDS_MAX_PER_PARTITION, stopTimeoutMs: START_MILLISECONDS_MAX + partitions };
  const first = await startBroker(root, [], options);
  try {
    const before = residentMegabytes(first.pid, 'all');
    const connection = await LoadConnection.open(first.host, first.port);
    const cpuBefore = cpuSeconds(first.pid);
    const createdMs = await create(connection, partitions, say);
    const createdCpuSeconds = cpuSeconds(first.pid) - cpuBefore;
    const perPartition = ((residentMegabytes(first.pid, 'all') - before) * 1024) / partitions;
    const probes = await probe(connection, partitions, batch);
    say(`  before the restart: ${JSON.stringify({ createdMs, perPartition, ...probes })}`);
    connection.close();
    const stopAt = performance.now();
    await first.stop();
    const stopSeconds = (performance.now() - stopAt) / 1000;
    const clean = await restarted(root, options, before, partitions, 'SIGKILL');
    const afterKill = await restarted(root, options, before, partitions, 'SIGTERM');
    return {
      partitions,
      createMicrosecondsPerPartition: (createdMs * 1000) / partitions,
      createCpuMicrosecondsPerPartition: (createdCpuSeconds * 1e6) / partitions,
      residentKilobytesPerPartition: perPartition,
      ...probes,
      stopSeconds,
      restartSeconds: clean.seconds,
      restartCpuSeconds: clean.cpuSeconds,
      residentKilobytesPerPartitionAfterRestart: clean.kilobytes,
      restartAfterKillSeconds: afterKill.seconds,
      restartAfterKillCpuSeconds: afterKill.cpuSeconds,
    };
  } finally {
    await first.stop();
  }
}

async function create(connection: LoadConnection, partitions: number, say: (line: string) => void): Promise<number> {
  const startedAt = performance.now();
  for (let made = 0; made < partitions; made += PARTITIONS_PER_TOPIC) {
    const count = Math.min(PARTITIONS_PER_TOPIC, partitions - made);
    const answer = await connection.call(createTopics, createTopicsRequest(`scale-${made / PARTITIONS_PER_TOPIC}`, count, {}));
    if (answer.topics[0]?.errorCode !== 0) throw new Error(`a topic was not made: error ${answer.topics[0]?.errorCode} ${answer.topics[0]?.errorMessage ?? ''}`);
    if ((made / PARTITIONS_PER_TOPIC) % 20 === 0) say(`  ${made + count} partitions`);
  }
  return performance.now() - startedAt;
}

async function probe(connection: LoadConnection, partitions: number, batch: Buffer) {
  const topics = Math.ceil(partitions / PARTITIONS_PER_TOPIC);
  const one: number[] = [];
  const writes: number[] = [];
  for (let index = 0; index < PROBES; index++) {
    const topic = `scale-${(index * 7919) % topics}`;
    one.push(await timed(async () => connection.call(metadata, metadataRequest(topic))));
    writes.push(await timed(async () => {
      const answer = await connection.call(produce, produceRequest(topic, index % Math.min(PARTITIONS_PER_TOPIC, partitions), batch));
      const { errorCode } = answer.responses[0]?.partitionResponses[0] ?? { errorCode: -1 };
      if (errorCode !== 0) throw new Error(`a record was refused: error ${errorCode}`);
    }));
  }
  const all: number[] = [];
  let described = 0;
  for (let round = 0; round < 5; round++) {
    all.push(await timed(async () => {
      const { topics: found } = await connection.call(metadata, { ...metadataRequest(''), topics: null });
      described = found.reduce((sum, { partitions: list }) => sum + list.length, 0);
    }));
  }
  return { topicMetadataMilliseconds: summarise(one).median, allMetadataMilliseconds: summarise(all).median, partitionsDescribed: described, produceMilliseconds: summarise(writes).median };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

interface Restart {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly kilobytes: number;
}

/** `end`: how that start ends, and so what the next one finds. */
async function restarted(root: string, options: Parameters<typeof startBroker>[2], idleMegabytes: number, partitions: number, end: 'SIGTERM' | 'SIGKILL'): Promise<Restart> {
  const again: RunningBroker = await startBroker(root, [], options);
  try {
    return { seconds: again.startMilliseconds / 1000, cpuSeconds: again.startCpuMilliseconds / 1000, kilobytes: ((residentMegabytes(again.pid, 'all') - idleMegabytes) * 1024) / partitions };
  } finally {
    process.kill(again.pid, end);
    await again.stop();
  }
}

import { abortTransaction } from '../../client/admin/transactions.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import type { Options } from '../options.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { activeProducers, failing } from './transactionsTool.ts';

interface Found {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

/** Writes the abort marker that a coordinator will never write. */
export async function abort(cluster: Cluster, options: Options, _environment: ToolEnvironment): Promise<void> {
  const found = options.has('start-offset') ? await byOffset(cluster, options) : byProducer(options);
  const topic = options.value('topic') ?? '';
  const partition = options.number('partition') ?? -1;
  // a transaction that got no marker yet has no coordinator epoch
  const transaction = { topic, partition, ...found, coordinatorEpoch: Math.max(found.coordinatorEpoch, 0) };
  await failing(`Failed to abort transaction of producer ${found.producerId} in ${topic}-${partition}`, () => abortTransaction(cluster, transaction));
}

async function byOffset(cluster: Cluster, options: Options): Promise<Found> {
  const startOffset = options.number('start-offset') as number;
  const producers = await activeProducers(cluster, options, 'Failed to validate producer state for partition');
  const found = producers.find(({ transactionStartOffset }) => transactionStartOffset === startOffset);
  if (found === undefined) throw new ToolError(`Could not find any open transactions starting at offset ${startOffset} on partition ${options.value('topic')}-${options.value('partition')}`);
  return found;
}

function byProducer(options: Options): Found {
  if (!options.has('producer-id')) throw new ToolError('The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)');
  for (const name of ['topic', 'partition', 'producer-epoch', 'coordinator-epoch']) if (!options.has(name)) throw new ToolError(`Missing required argument --${name}`);
  return { producerId: options.number('producer-id') as number, producerEpoch: options.number('producer-epoch') as number, coordinatorEpoch: options.number('coordinator-epoch') as number };
}

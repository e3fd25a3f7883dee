/** Kafka's producer settings, as text, into the options of this producer. */
import type { Codec } from '../../record/batchHeader.ts';
import { CODEC_NAMES, DEFAULT_LEVEL } from '../../record/codecs.ts';
import { ClientError } from '../core/clientError.ts';
import { defaultPartitioner, roundRobinPartitioner, uniformStickyPartitioner, type PartitionerFactory } from '../producer/partitioner.ts';
import type { ProducerOptions } from '../producer/producerOptions.ts';
import { producerSettings } from './settingTables.ts';
import { SettingValues, type ClientSettings } from './settingValues.ts';

const IDEMPOTENT_IN_FLIGHT_MAX = 5;

/** Throws ClientError INVALID_ARGUMENT with Kafka's wording. */
export function producerOptions(settings: ReadonlyMap<string, string>): ClientSettings<ProducerOptions> {
  const values = new SettingValues(producerSettings, settings);
  const codec = CODEC_NAMES.indexOf(values.text('compression.type') as (typeof CODEC_NAMES)[number]) as Codec;
  const options: ProducerOptions = {
    acks: acksOf(values.text('acks')), codec, compressionLevel: levelFor(values.text('compression.type'), values), lingerMs: values.number('linger.ms'),
    batchSizeBytes: values.number('batch.size'), bufferMemoryBytes: values.number('buffer.memory'), requestSizeMaxBytes: values.number('max.request.size'),
    deliveryTimeoutMs: deliveryTimeoutMs(values, settings), requestTimeoutMs: values.number('request.timeout.ms'), maxBlockMs: values.number('max.block.ms'),
    retriesMax: values.number('retries'), inFlightMax: values.number('max.in.flight.requests.per.connection'), isIdempotent: isIdempotent(values, settings),
    ...transactionOptions(values, settings), ...partitionerOption(values.text('partitioner.class'), values.flag('partitioner.ignore.keys')),
  };
  return { cluster: values.cluster(options.maxBlockMs), options, warnings: values.warnings() };
}

function transactionOptions(values: SettingValues, settings: ReadonlyMap<string, string>): Pick<ProducerOptions, 'transactionalId' | 'transactionTimeoutMs'> {
  const transactionalId = settings.get('transactional.id');
  if (transactionalId === undefined) return {};
  if (!isIdempotent(values, settings)) throw new ClientError('INVALID_ARGUMENT', 'Cannot set a transactional.id without also enabling idempotence.');
  return { transactionalId, transactionTimeoutMs: values.number('transaction.timeout.ms') };
}

const PARTITIONERS: Readonly<Record<string, PartitionerFactory>> = { RoundRobinPartitioner: roundRobinPartitioner, UniformStickyPartitioner: uniformStickyPartitioner, DefaultPartitioner: defaultPartitioner };

function partitionerOption(className: string, ignoresKeys: boolean): Pick<ProducerOptions, 'partitioner'> {
  if (className === '') return ignoresKeys ? { partitioner: uniformStickyPartitioner } : {};
  const partitioner = PARTITIONERS[className.slice(className.lastIndexOf('.') + 1)];
  if (partitioner === undefined) throw new ClientError('INVALID_ARGUMENT', `Invalid value ${className} for configuration partitioner.class: Class ${className} could not be found.`);
  return { partitioner };
}

const acksOf = (text: string): 0 | 1 | -1 => (text === '0' ? 0 : text === '1' ? 1 : -1);

function levelFor(codecName: string, values: SettingValues): number {
  return codecName === 'gzip' || codecName === 'lz4' || codecName === 'zstd' ? values.number(`compression.${codecName}.level`) : DEFAULT_LEVEL;
}

/** On by default, off where other settings rule it out, an error where it was asked for as well. */
function isIdempotent(values: SettingValues, settings: ReadonlyMap<string, string>): boolean {
  if (!values.flag('enable.idempotence')) return false;
  const conflicts = [
    [acksOf(values.text('acks')) !== -1, 'Must set acks to all in order to use the idempotent producer. Otherwise we cannot guarantee idempotence.'],
    [values.number('retries') === 0, 'Must set retries to non-zero when using the idempotent producer.'],
    [values.number('max.in.flight.requests.per.connection') > IDEMPOTENT_IN_FLIGHT_MAX, 'Must set max.in.flight.requests.per.connection to at most 5 to use the idempotent producer.'],
  ] as const;
  const conflict = conflicts.find(([isConflict]) => isConflict);
  if (conflict === undefined) return true;
  if (settings.has('enable.idempotence')) throw new ClientError('INVALID_ARGUMENT', conflict[1]);
  return false;
}

function deliveryTimeoutMs(values: SettingValues, settings: ReadonlyMap<string, string>): number {
  const leastMs = values.number('linger.ms') + values.number('request.timeout.ms');
  const deliveryMs = values.number('delivery.timeout.ms');
  if (deliveryMs >= leastMs) return deliveryMs;
  if (settings.has('delivery.timeout.ms')) throw new ClientError('INVALID_ARGUMENT', 'delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms');
  return leastMs;
}

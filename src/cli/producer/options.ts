import type { OptionSpec } from '../options.ts';

const READER_PROPERTIES = `Property of the line reader, as key=value. May be repeated:
 parse.key=false
 parse.headers=false
 ignore.error=false
 key.separator=\\t
 headers.delimiter=\\t
 headers.separator=,
 headers.key.separator=:
 null.marker=   keys, values and header values equal to this become null
Lines then look like this:
 parse.headers=true and parse.key=true: "h1:v1,h2:v2...\\tkey\\tvalue"
 parse.key=true: "key\\tvalue"
 parse.headers=true: "h1:v1,h2:v2...\\tvalue"`;

export const LINE_READER = 'org.apache.kafka.tools.LineMessageReader';

/** The options of kafka-console-producer. Those with a setting's name stand for that setting, with the tool's own default. */
export const producerToolOptions: readonly OptionSpec[] = [
  { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
  { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
  { name: 'topic', argument: 'topic', description: 'REQUIRED: The topic to produce messages to.' },
  { name: 'sync', description: 'Send one message at a time and wait until it has arrived; end with 1 when one has not.' },
  { name: 'compression-codec', argument: 'codec', isArgumentOptional: true, description: "The compression codec: 'none', 'gzip', 'snappy', 'lz4' or 'zstd'; without a value 'gzip'." },
  { name: 'batch-size', argument: 'bytes', type: 'integer', default: '16384', description: 'Size that batches are gathered up to (batch.size).' },
  { name: 'max-partition-memory-bytes', argument: 'bytes', type: 'integer', default: '16384', description: 'Another name of --batch-size, deprecated.' },
  { name: 'message-send-max-retries', argument: 'count', type: 'integer', default: '3', description: 'How often a message is sent again after a failure that may pass (retries).' },
  { name: 'retry-backoff-ms', argument: 'ms', type: 'long', default: '100', description: 'Pause before the first retry (retry.backoff.ms).' },
  { name: 'timeout', argument: 'ms', type: 'long', default: '1000', description: 'How long a message waits for others to fill its batch (linger.ms).' },
  { name: 'request-required-acks', argument: 'acks', default: '-1', description: 'The required acks of the producer requests: 0, 1, or -1 for all (acks).' },
  { name: 'request-timeout-ms', argument: 'ms', type: 'integer', default: '1500', description: 'How long an answer is waited for (request.timeout.ms).' },
  { name: 'metadata-expiry-ms', argument: 'ms', type: 'long', default: '300000', description: 'Age at which metadata is asked for again (metadata.max.age.ms).' },
  { name: 'max-block-ms', argument: 'ms', type: 'long', default: '60000', description: 'How long a message waits for its topic to be found (max.block.ms).' },
  { name: 'max-memory-bytes', argument: 'bytes', type: 'long', default: '33554432', description: 'Memory for messages on their way (buffer.memory).' },
  { name: 'socket-buffer-size', argument: 'bytes', type: 'integer', default: '102400', description: "The socket's send buffer. Without effect: the operating system chooses." },
  { name: 'line-reader', argument: 'class', default: LINE_READER, description: 'How lines become messages. There is only the default one.' },
  { name: 'property', argument: 'key=value', isList: true, description: 'Older name of --reader-property.' },
  { name: 'reader-property', argument: 'key=value', isList: true, description: READER_PROPERTIES },
  { name: 'reader-config', argument: 'file', description: 'Properties file for the line reader; --reader-property comes on top.' },
  { name: 'producer-property', argument: 'key=value', isList: true, description: 'Older name of --command-property.' },
  { name: 'command-property', argument: 'key=value', isList: true, description: 'Setting of the producer, as linger.ms=10. May be repeated.' },
  { name: 'producer.config', argument: 'file', description: 'Older name of --command-config.' },
  { name: 'command-config', argument: 'file', description: 'Properties file with settings of the producer; --command-property comes on top.' },
];

/** Option by the setting that it stands for; later ones win. */
export const SETTING_OPTIONS: readonly (readonly [setting: string, option: string])[] = [
  ['linger.ms', 'timeout'], ['acks', 'request-required-acks'], ['request.timeout.ms', 'request-timeout-ms'], ['retries', 'message-send-max-retries'],
  ['retry.backoff.ms', 'retry-backoff-ms'], ['buffer.memory', 'max-memory-bytes'], ['batch.size', 'batch-size'], ['batch.size', 'max-partition-memory-bytes'],
  ['metadata.max.age.ms', 'metadata-expiry-ms'], ['max.block.ms', 'max-block-ms'],
];

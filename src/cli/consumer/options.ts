import type { OptionSpec } from '../options.ts';

const FORMATTER_PROPERTIES = `What is printed of each message, as key=value. May be repeated:
 print.timestamp=true|false
 print.key=true|false
 print.offset=true|false
 print.epoch=true|false
 print.delivery=true|false
 print.partition=true|false
 print.headers=true|false
 print.value=true|false
 key.separator=<text>
 line.separator=<text>
 headers.separator=<text>
 null.literal=<text>
 key.deserializer=<class>
 value.deserializer=<class>
 headers.deserializer=<class>`;

export const DEFAULT_FORMATTER = 'org.apache.kafka.tools.consumer.DefaultMessageFormatter';

/** The options of kafka-console-consumer. */
export const consumerToolOptions: readonly OptionSpec[] = [
  { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
  { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
  { name: 'topic', argument: 'topic', description: 'The topic to consume from.' },
  { name: 'include', argument: 'regex', description: 'Topics to consume from: a regular expression that the whole name must match.' },
  { name: 'partition', argument: 'partition', type: 'integer', description: "The partition to consume from, from its end unless '--offset' is given." },
  { name: 'offset', argument: 'offset', description: "Where to begin in the partition: an offset, or 'earliest', or 'latest' (the default)." },
  { name: 'from-beginning', description: 'Where the consumer has no committed offset, begin with the earliest message, not the latest.' },
  { name: 'group', argument: 'group', description: 'The consumer group to be a member of. Without one, all partitions are read and nothing is committed.' },
  { name: 'max-messages', argument: 'count', type: 'integer', description: 'End after so many messages.' },
  { name: 'timeout-ms', argument: 'ms', type: 'long', description: 'End when no message has come for this long.' },
  { name: 'isolation-level', argument: 'level', default: 'read_uncommitted', description: 'read_committed leaves out messages of transactions that are open or were aborted.' },
  { name: 'skip-message-on-error', description: 'Go on after a message that cannot be printed.' },
  { name: 'enable-systest-events', description: 'Print shutdown_complete at the end.' },
  { name: 'formatter', argument: 'class', default: DEFAULT_FORMATTER, description: 'How messages are printed: DefaultMessageFormatter, LoggingMessageFormatter or NoOpMessageFormatter (of org.apache.kafka.tools.consumer).' },
  { name: 'formatter-property', argument: 'key=value', isList: true, description: FORMATTER_PROPERTIES },
  { name: 'property', argument: 'key=value', isList: true, description: 'Older name of --formatter-property.' },
  { name: 'formatter-config', argument: 'file', description: 'Properties file for the formatter; --formatter-property comes on top.' },
  { name: 'key-deserializer', argument: 'class', description: 'How keys become text: StringDeserializer, LongDeserializer, ... (of org.apache.kafka.common.serialization).' },
  { name: 'value-deserializer', argument: 'class', description: 'How values become text.' },
  { name: 'command-property', argument: 'key=value', isList: true, description: 'Setting of the consumer, as fetch.max.bytes=1048576. May be repeated.' },
  { name: 'consumer-property', argument: 'key=value', isList: true, description: 'Older name of --command-property.' },
  { name: 'command-config', argument: 'file', description: 'Properties file with settings of the consumer; --command-property comes on top.' },
  { name: 'consumer.config', argument: 'file', description: 'Older name of --command-config.' },
];

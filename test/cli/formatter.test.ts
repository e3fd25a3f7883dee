import { describe, expect, it } from 'vitest';
import { deserializerOf } from '../../src/cli/consumer/deserializers.ts';
import { formatterOf, unknownFormatterProperties } from '../../src/cli/consumer/formatter.ts';
import { OutputBuffer } from '../../src/cli/consumer/outputBuffer.ts';
import { topicFilter, wholeMatch } from '../../src/cli/topicFilter.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { RecordCursor } from '../../src/record/iterate.ts';
import type { RecordHeader } from '../../src/record/iterate.ts';

const logged: string[] = [];

function print(properties: Record<string, string>, record: { key?: string; value?: string; headers?: RecordHeader[]; appendTime?: number } = {}, className = 'org.apache.kafka.tools.consumer.DefaultMessageFormatter'): string {
  const builder = new BatchBuilder();
  builder.append(record.key === undefined ? null : Buffer.from(record.key, 'latin1'), record.value === undefined ? null : Buffer.from(record.value, 'latin1'), record.headers ?? null, 1234);
  const cursor = new RecordCursor();
  cursor.open(builder.close({ baseOffset: 7, ...(record.appendTime === undefined ? {} : { logAppendTimeMs: record.appendTime }) }), 0, null);
  cursor.next();
  const output = new OutputBuffer((line) => logged.push(line));
  formatterOf(className, new Map(Object.entries(properties)))(output, 't', 3, cursor);
  return output.take().toString('latin1');
}

const header = (key: string, value: string | null): RecordHeader => ({ key, value: value === null ? null : Buffer.from(value) });

describe('the formatter', () => {
  it.each([
    [{}, { value: 'v' }, 'v\n'],
    [{}, {}, 'null\n'],
    [{ 'null.literal': '-' }, {}, '-\n'],
    [{ 'print.key': 'true' }, { key: 'k', value: 'v' }, 'k\tv\n'],
    [{ 'print.key': 'true', 'key.separator': ':' }, { value: '' }, 'null:\n'],
    [{ 'print.key': 'true', 'print.value': 'false' }, { key: 'k', value: 'v' }, 'k\n'],
    [{ 'print.value': 'false' }, { value: 'v' }, ''],
    [{ 'print.timestamp': 'true' }, { value: 'v' }, 'CreateTime:1234\tv\n'],
    [{ 'print.timestamp': 'true' }, { value: 'v', appendTime: 99 }, 'LogAppendTime:99\tv\n'],
    [{ 'print.timestamp': 'true', 'print.partition': 'true', 'print.offset': 'true', 'print.headers': 'true', 'print.key': 'true' }, { key: 'k', value: 'v' }, 'CreateTime:1234\tPartition:3\tOffset:7\tNO_HEADERS\tk\tv\n'],
    [{ 'print.offset': 'true', 'print.delivery': 'true', 'print.epoch': 'true' }, { value: 'v' }, 'Offset:7\tDelivery:NOT_PRESENT\tEpoch:NOT_PRESENT\tv\n'],
    [{ 'print.headers': 'true' }, { value: 'v', headers: [header('a', '1'), header('b', null)] }, 'a:1,b:null\tv\n'],
    [{ 'print.headers': 'true', 'headers.separator': '|', 'null.literal': '' }, { value: 'v', headers: [header('a', '1'), header('b', null)] }, 'a:1|b:\tv\n'],
    [{ 'line.separator': ';' }, { value: 'v' }, 'v;'],
    [{}, { value: '\xff\0' }, '\xff\0\n'],
    [{ 'value.deserializer': 'org.apache.kafka.common.serialization.LongDeserializer' }, { value: '\0\0\0\0\0\0\x01\0' }, '256\n'],
    [{ 'key.deserializer': 'IntegerDeserializer', 'print.key': 'true' }, { key: '\xff\xff\xff\xff', value: 'v' }, '-1\tv\n'],
  ] as const)('%j', (properties, record, text) => {
    expect(print(properties as Record<string, string>, record as Parameters<typeof print>[1])).toBe(text);
  });

  it('knows three classes and names what it does not know', () => {
    expect(print({}, { value: 'v' }, 'org.apache.kafka.tools.consumer.NoOpMessageFormatter')).toBe('');
    expect(print({}, { key: 'k', value: 'v' }, 'kafka.tools.LoggingMessageFormatter')).toBe('v\n');
    expect(logged).toEqual(['CreateTime:1234, key:k, value:v']);
    expect(() => print({}, {}, 'foo.Bar')).toThrow(/There is no formatter foo.Bar/);
    expect(() => print({ 'value.deserializer': 'org.apache.kafka.common.serialization.LongDeserialiser' })).toThrow(/Did you mean org.apache.kafka.common.serialization.LongDeserializer/);
    expect(() => print({ 'value.deserializer': 'LongDeserializer' }, { value: 'v' })).toThrow('Size of data received by LongDeserializer is not 8');
    expect(unknownFormatterProperties(new Map([['print.keys', 'true']]))).toEqual(['The formatter has no property print.keys. Did you mean print.key?']);
  });
});

describe('deserializers', () => {
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  it.each([
    ['ShortDeserializer', 'fffe', '-2'], ['FloatDeserializer', '3dcccccd', '0.1'], ['FloatDeserializer', '40000000', '2.0'], ['DoubleDeserializer', '3fb999999999999a', '0.1'],
    ['DoubleDeserializer', '4008000000000000', '3.0'], ['BooleanDeserializer', '01', 'true'], ['StringDeserializer', 'ff', '\ufffd'], ['LongDeserializer', '7fffffffffffffff', '9223372036854775807'],
  ])('%s %s', (name, bytes, text) => {
    expect(deserializerOf(name)(hex(bytes)).toString()).toBe(text);
  });
});

describe('topics by pattern', () => {
  it('must match whole names; commas separate patterns', () => {
    const matches = topicFilter(' "a.*, b" ');
    expect(['a', 'abc', 'b', 'bb', 'xa'].map(matches)).toEqual([true, true, true, false, false]);
    expect(wholeMatch('(?i)AB')('ab')).toBe(true);
    expect(wholeMatch('a|b')('ab')).toBe(false);
    expect(() => wholeMatch('*')).toThrow(/\* is an invalid regex/);
  });
});

import { describe, expect, it } from 'vitest';
import { defaultTopicConfig, topicTable, validateBrokerConfig } from '../../src/config/index.ts';
import { codeOnly, listSources, readSource } from './sources.ts';

/**
 * A setting that is called used must be read by somebody: a key that nobody reads is marked accepted in
 * src/config/schema/notes.json, so that it is named at start.
 */
const { config } = validateBrokerConfig([], { hostName: 'a', defaultLogDir: '/a' });
const topicDefaults = defaultTopicConfig;
const NAMES_OF_OUR_OWN = new Map([
  ['tidelog.batch.validation', 'batchValidation'],
  ['internal.segment.bytes', 'segmentBytes'],
]);

const camelCase = (key: string): string => key.replace(/\.([a-z])/g, (_, letter: string) => letter.toUpperCase());

const readers = listSources(['src'], ['.ts']).filter((file) => !file.startsWith('src/config/'));
/** Without the wiring of a node there is nobody yet to read most settings. */
const isWired = readers.some((file) => file.startsWith('src/node/'));

describe.runIf(isWired)('a setting that is called used', () => {
  const words = new Set(readers.flatMap((file) => codeOnly(readSource(file)).match(/[A-Za-z]\w+/g) ?? []));
  const unread = (fields: readonly string[]) => fields.filter((field) => !words.has(field));

  it('of a broker is read', () => {
    expect(unread(Object.keys(config))).toEqual([]);
  });

  it('of a topic is read', () => {
    const used = [...topicTable.values()].filter((key) => key.use === 'used').map((key) => NAMES_OF_OUR_OWN.get(key.name) ?? camelCase(key.name));
    expect(used.filter((field) => !(field in topicDefaults))).toEqual([]);
    expect(unread(used)).toEqual([]);
  });
});

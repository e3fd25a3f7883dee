import { describe, expect, it } from 'vitest';
import { parseServerArguments, UsageError } from '../../../src/main/server/arguments.ts';

describe('arguments of kafka-server-start', () => {
  it('are all optional', () => {
    expect(parseServerArguments([])).toEqual({
      wantsHelp: false, wantsVersion: false, isDaemon: false, adoptsKafkaData: false,
      propertiesFile: null, overrides: [], logFormat: null, logLevel: null, scramUsers: [],
    });
  });

  it('may stand as people are used to from Kafka', () => {
    const given = parseServerArguments(['-daemon', '-name', 'kafkaServer', '-loggc', 'config/server.properties', '--override', 'a=1', '--override=b=2=3', '-override', 'c=']);
    expect(given).toMatchObject({ isDaemon: true, propertiesFile: 'config/server.properties', overrides: ['a=1', 'b=2=3', 'c='] });
  });

  it('choose format and level of the log', () => {
    expect(parseServerArguments(['--log-format', 'JSON', '--log-level=debug'])).toMatchObject({ logFormat: 'json', logLevel: 'debug' });
  });

  it.each([
    [['--overide', 'a=1'], 'did you mean --override?'],
    [['--deamon'], 'did you mean -daemon?'],
    [['--zzz'], 'unknown flag --zzz'],
    [['a.properties', 'b.properties'], 'not a.properties and b.properties'],
    [['a.properties', 'port=1'], '--override port=1'],
    [['log.dirs=/x'], '--override log.dirs=/x'],
    [['--override'], '--override wants key=value'],
    [['--log-level', 'loud'], 'debug, info, warn, error'],
  ])('%j is refused with what to write', (words, expected) => {
    expect(() => parseServerArguments(words)).toThrow(UsageError);
    expect(() => parseServerArguments(words)).toThrow(expected);
  });
});

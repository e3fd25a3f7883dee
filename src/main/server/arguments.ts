/** The command line of `kafka-server-start`: Kafka's own, and a few words more. */
import { nearestName } from '../../base/nearest.ts';
import type { FirstScramUser } from '../../node/index.ts';
import { parseScramArgument } from '../../cli/storage/scramArgument.ts';

export type LogFormat = 'text' | 'json';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface ServerArguments {
  readonly wantsHelp: boolean;
  readonly wantsVersion: boolean;
  readonly isDaemon: boolean;
  /** Open data of an Apache Kafka broker and make it ours. */
  readonly adoptsKafkaData: boolean;
  readonly propertiesFile: string | null;
  /** Texts `key=value`, in order. */
  readonly overrides: readonly string[];
  /** Users for a cluster that has no SCRAM users yet. */
  readonly scramUsers: readonly FirstScramUser[];
  readonly logFormat: LogFormat | null;
  readonly logLevel: LogLevel | null;
}

/** A command line that cannot be understood; the message says what is. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `Usage: kafka-server-start [-daemon] [server.properties] [--override key=value]...

Starts a broker. Without a file every setting has its default: it listens on
localhost:9092 and keeps its data in a folder of your home, which it names.

  server.properties      settings, in Kafka's own format and with Kafka's keys
  --override key=value   one setting, over the file; may be repeated
  -daemon                go on in the background; output goes to a file
  --adopt-kafka-data     open log.dirs that hold the data of an Apache Kafka broker
  --add-scram TEXT       a user for a cluster that has no SCRAM users yet, as kafka-storage has it:
                         'SCRAM-SHA-256=[name=alice,password=...]'; may be repeated
  --log-level LEVEL      debug, info (default), warn or error
  --log-format FORMAT    text (default) or json
  --version              print the version and end
  --help                 print this and end
`;

const FLAGS = ['-daemon', '--override', '--adopt-kafka-data', '--add-scram', '--log-level', '--log-format', '--version', '--help'];
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const FORMATS: readonly LogFormat[] = ['text', 'json'];

type Draft = { -readonly [Key in keyof ServerArguments]: ServerArguments[Key] } & { overrides: string[]; scramUsers: FirstScramUser[] };

/** Throws UsageError. */
export function parseServerArguments(words: readonly string[]): ServerArguments {
  const draft: Draft = {
    wantsHelp: false, wantsVersion: false, isDaemon: false, adoptsKafkaData: false,
    propertiesFile: null, overrides: [], scramUsers: [], logFormat: null, logLevel: null,
  };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) takeWord(word, rest, draft);
  return draft;
}

function takeWord(word: string, rest: string[], draft: Draft): void {
  if (!word.startsWith('-')) {
    takeFile(word, draft);
    return;
  }
  const { flag, value } = splitFlag(word);
  switch (flag) {
    case 'daemon':
      draft.isDaemon = true;
      return;
    case 'help':
    case 'h':
      draft.wantsHelp = true;
      return;
    case 'version':
      draft.wantsVersion = true;
      return;
    case 'adopt-kafka-data':
      draft.adoptsKafkaData = true;
      return;
    case 'override':
      draft.overrides.push(value ?? argumentOf(word, 'key=value', rest));
      return;
    case 'add-scram':
      draft.scramUsers.push(scramUserOf(value ?? argumentOf(word, 'SCRAM-SHA-256=[name=alice,password=...]', rest)));
      return;
    case 'log-level':
      draft.logLevel = oneOf(word, value ?? argumentOf(word, 'a level', rest), LEVELS);
      return;
    case 'log-format':
      draft.logFormat = oneOf(word, value ?? argumentOf(word, 'a format', rest), FORMATS);
      return;
    // Of Kafka's start script, about the JVM.
    case 'name':
      argumentOf(word, 'a name', rest);
      return;
    case 'loggc':
      return;
    default:
      throw new UsageError(unknownFlagText(word));
  }
}

function takeFile(word: string, draft: Draft): void {
  if (draft.propertiesFile !== null) {
    const hint = word.includes('=') ? `; a setting is written --override ${word}` : '';
    throw new UsageError(`one properties file can be given, not ${draft.propertiesFile} and ${word}${hint}`);
  }
  if (word.includes('=')) throw new UsageError(`${word} is no file; a setting is written --override ${word}`);
  draft.propertiesFile = word;
}

/** `--override=key=value` and `-override`, too. */
function splitFlag(word: string): { flag: string; value: string | null } {
  const name = word.replace(/^--?/, '');
  const at = name.indexOf('=');
  return at < 0 ? { flag: name, value: null } : { flag: name.slice(0, at), value: name.slice(at + 1) };
}

function argumentOf(flag: string, what: string, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) throw new UsageError(`${flag} wants ${what}`);
  return value;
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value.toLowerCase());
  if (found === undefined) throw new UsageError(`${flag} ${value}: allowed are ${allowed.join(', ')}`);
  return found;
}

function unknownFlagText(word: string): string {
  const nearest = nearestName(word, FLAGS);
  return `unknown flag ${word}${nearest === null ? '' : `; did you mean ${nearest}?`}`;
}

function scramUserOf(text: string): FirstScramUser {
  const user = parseScramArgument(text);
  if (user === null) throw new UsageError("--add-scram takes 'SCRAM-SHA-256=[name=alice,password=...]', or SCRAM-SHA-512; iterations may be added");
  return user;
}

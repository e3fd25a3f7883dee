import { readFileSync } from 'node:fs';
import type { TopicPartition } from '../client/admin/partitionMap.ts';
import { ToolError } from './toolError.ts';

/** Contents of a JSON file that a tool was given. Throws ToolError in Kafka's words. */
export function readJsonFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new ToolError(`Unable to read file ${file}`);
  }
  return parseJson(text);
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ToolError('The input string is not a valid JSON');
  }
}

/** A field of an object. Throws ToolError where there is none of the kind wanted. */
export function fieldOf(object: unknown, name: string, kind: 'array'): unknown[];
export function fieldOf(object: unknown, name: string, kind: 'string'): string;
export function fieldOf(object: unknown, name: string, kind: 'integer'): number;
export function fieldOf(object: unknown, name: string, kind: 'array' | 'string' | 'integer'): unknown {
  if (typeof object !== 'object' || object === null || !Object.hasOwn(object, name)) throw new ToolError(`No such field exists: \`${name}\``);
  const value = (object as Readonly<Record<string, unknown>>)[name];
  const isRight = kind === 'array' ? Array.isArray(value) : kind === 'string' ? typeof value === 'string' : Number.isSafeInteger(value);
  if (!isRight) throw new ToolError(`The field \`${name}\` must be ${kind === 'array' ? 'an array' : kind === 'string' ? 'a string' : 'a whole number'}, but it is ${JSON.stringify(value)}`);
  return value;
}

export const partitionOf = (object: unknown): TopicPartition => ({ topic: fieldOf(object, 'topic', 'string'), partition: fieldOf(object, 'partition', 'integer') });

/** Refuses versions of a file's format other than 1, which is the default. */
export function checkVersion(object: unknown): void {
  const version = (object as { version?: unknown } | null)?.version ?? 1;
  if (version !== 1) throw new ToolError(`Not supported version field value ${String(version)}`);
}

/** Those that are there more than once. */
export function repeated(partitions: readonly TopicPartition[]): TopicPartition[] {
  const seen = new Set<string>();
  return partitions.filter(({ topic, partition }) => {
    const key = `${topic}/${partition}`;
    const isRepeated = seen.has(key);
    seen.add(key);
    return isRepeated;
  });
}

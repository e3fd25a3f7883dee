/**
 * `meta.properties` at the root of a log directory: whose data it is. Kafka's keys, and one of ours that tells our directories
 * from Kafka's. A Java properties file.
 */
import type { Disk } from '../base/disk.ts';
import { FileName } from './fileNames.ts';
import { StoreError } from './storeError.ts';

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null in Kafka's oldest form. */
  readonly directoryId: string | null;
  /** Version of our layout; null: the directory is Apache Kafka's. */
  readonly formatVersion: number | null;
}

export const FORMAT_VERSION = 1;
const FORMAT_KEY = 'tidelog.format.version';
const SIZE_MAX_BYTES = 65_536;

/** Null when a line is no property or a key stands twice. */
function parseProperties(text: string): Map<string, string> | null {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue;
    const match = /^((?:\\.|[^\\=:\s])+)\s*[=:]\s*(.*)$/.exec(trimmed);
    if (!match) return null;
    const key = unescape(match[1] as string);
    if (properties.has(key)) return null;
    properties.set(key, unescape((match[2] as string).trimEnd()));
  }
  return properties;
}

const unescape = (text: string): string => text.replace(/\\(.)/g, '$1');
const escape = (text: string): string => text.replace(/[\\=:#!]/g, '\\$&');

/** Null when the text is malformed or a key is missing. */
export function parseMetaProperties(text: string): MetaProperties | null {
  const properties = parseProperties(text);
  const version = properties?.get('version');
  if (!properties || (version !== '0' && version !== '1')) return null;
  const clusterId = properties.get('cluster.id');
  const nodeId = properties.get(version === '0' ? 'broker.id' : 'node.id');
  const format = properties.get(FORMAT_KEY);
  if (!clusterId || nodeId === undefined || !/^[0-9]{1,10}$/.test(nodeId)) return null;
  if (format !== undefined && !/^[0-9]{1,4}$/.test(format)) return null;
  return { clusterId, nodeId: Number(nodeId), directoryId: properties.get('directory.id') ?? null, formatVersion: format === undefined ? null : Number(format) };
}

export function formatMetaProperties(meta: MetaProperties): Buffer {
  const lines = [`node.id=${meta.nodeId}`, 'version=1', `cluster.id=${escape(meta.clusterId)}`];
  if (meta.directoryId !== null) lines.splice(0, 0, `directory.id=${escape(meta.directoryId)}`);
  if (meta.formatVersion !== null) lines.push(`${FORMAT_KEY}=${meta.formatVersion}`);
  return Buffer.from(`#\n${lines.join('\n')}\n`, 'utf8');
}

const pathIn = (directory: string): string => `${directory}/${FileName.metaProperties}`;

/** Null when the directory has none. Throws StoreError corrupt with the path, DiskError. */
export async function readMetaProperties(disk: Disk, directory: string): Promise<MetaProperties | null> {
  const path = pathIn(directory);
  const bytes = await disk.readFile(path, SIZE_MAX_BYTES);
  if (bytes === null) return null;
  const meta = parseMetaProperties(bytes.toString('utf8'));
  if (meta === null) throw new StoreError('corrupt', path, `${path} is corrupt: it must have version, cluster.id and node.id`);
  if (meta.formatVersion !== null && meta.formatVersion > FORMAT_VERSION) {
    throw new StoreError('newer', path, `${path}: the directory has format ${meta.formatVersion}, this version reads up to ${FORMAT_VERSION}`);
  }
  return meta;
}

export function writeMetaProperties(disk: Disk, directory: string, meta: MetaProperties): Promise<void> {
  return disk.writeFileAtomic(pathIn(directory), formatMetaProperties(meta));
}

import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/base/systemPorts.ts';
import { staticLayers } from '../../src/config/layers.ts';
import { adoptKafkaData, ConfigResourceType, MetadataError } from '../../src/metadata/index.ts';
import { encodeMetadataRecord } from '../../src/metadata/recordCodec.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { makeAccessControlEntryRecord, writeAccessControlEntryRecord } from '../../src/protocol/generated/records/accessControlEntryRecord.ts';
import { makePartitionChangeRecord, writePartitionChangeRecord } from '../../src/protocol/generated/records/partitionChangeRecord.ts';
import { MetadataRecordType } from '../../src/protocol/generated/records/types.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts, seededRandom } from '../storage/support/ports.ts';

const A = 'AbCdEfGhIjKlMnOpQrStUw';
const B = 'ZbCdEfGhIjKlMnOpQrStUw';
const C = 'CbCdEfGhIjKlMnOpQrStUw';
const KAFKA = '/data/__cluster_metadata-0';

class Folders {
  readonly disk = new MemoryDisk({ random: seededRandom(5) });
  readonly warnings: string[] = [];
  readonly #writer = new Writer();
  offset = 0;

  async partition(name: string, topicId: string | null, latestEpoch = -1): Promise<void> {
    const folder = `/data/${name}`;
    await this.disk.makeDirectory(folder);
    if (topicId !== null) await this.disk.writeFile(`${folder}/partition.metadata`, Buffer.from(`version: 0\ntopic_id: ${topicId}`));
    if (latestEpoch >= 0) await this.disk.writeFile(`${folder}/leader-epoch-checkpoint`, Buffer.from(`0\n1\n${latestEpoch} 0\n`));
  }

  record(record: MetadataRecord): Buffer {
    return Buffer.from(encodeMetadataRecord(this.#writer, record));
  }

  framed(type: number, version: number, write: (writer: Writer) => void = () => {}): Buffer {
    for (const part of [1, type, version]) this.#writer.unsignedVarint(part);
    write(this.#writer);
    return Buffer.from(this.#writer.takeBuffer());
  }

  topic(name: string, id: string, epochs: readonly number[], replicas: readonly number[] = [1]): Buffer[] {
    return [
      this.record({ kind: 'topic', name, id }),
      ...epochs.map((leaderEpoch, index) =>
        this.record({ kind: 'partition', topicId: id, index, replicas, inSyncReplicas: replicas, leader: 1, leaderEpoch, partitionEpoch: 0 })),
    ];
  }

  config(name: string, key: string, value: string | null, resourceType: ConfigResourceType = ConfigResourceType.topic): Buffer {
    return this.record({ kind: 'config', resourceType, resourceName: name, key, value });
  }

  batch(values: readonly Buffer[], isControl = false, baseOffset = this.offset): Buffer {
    const builder = new BatchBuilder();
    for (const value of values) builder.append(isControl ? Buffer.from([0, 0, 0, 3]) : null, value, null, 1);
    this.offset = baseOffset + values.length;
    return builder.close({ baseOffset, leaderEpoch: 1, isControl });
  }

  async kafka(files: Readonly<Record<string, Buffer>>): Promise<void> {
    await this.disk.makeDirectory(KAFKA);
    for (const [name, bytes] of Object.entries(files)) await this.disk.writeFile(`${KAFKA}/${name}`, bytes);
  }

  adopt(): Promise<MetadataRecord[]> {
    const { random } = fakePorts();
    const warn = (message: string, fields?: object): void => void this.warnings.push(`${message} ${JSON.stringify(fields ?? {})}`);
    return adoptKafkaData({ disk: this.disk, random, logger: { ...silentLogger, warn }, directories: ['/data'], nodeId: 1, layers: staticLayers(new Map()) });
  }
}

const LOG = '00000000000000000000.log';
const credential = { salt: Buffer.from('salt'), storedKey: Buffer.alloc(32, 1), serverKey: Buffer.alloc(32, 2), iterations: 4096 };
const token = { tokenId: 't', owner: 'User:o', requester: 'User:o', renewers: [], issueTimestampMs: 1, maxTimestampMs: 3, expiryTimestampMs: 2 };
const ofKind = <K extends MetadataRecord['kind']>(records: readonly MetadataRecord[], kind: K) =>
  records.filter((record): record is Extract<MetadataRecord, { kind: K }> => record.kind === kind);
const topicsIn = (records: readonly MetadataRecord[]) =>
  Object.fromEntries(ofKind(records, 'topic').map(({ name, id }) => [name, { id, epochs: ofKind(records, 'partition').filter(({ topicId }) => topicId === id).map(({ leaderEpoch }) => leaderEpoch) }]));
const settingsIn = (records: readonly MetadataRecord[]) => ofKind(records, 'config').map(({ resourceName, key, value }) => `${resourceName} ${key}=${value}`);

describe('taking over Kafka data', () => {
  it('follows the metadata log: topics, changes, deletions and settings', async () => {
    const made = new Folders();
    await made.partition('a-0', A, 6);
    await made.partition('a-2', A);
    await made.partition('gone-0', B);
    await made.kafka({
      'quorum-state': Buffer.from('{}'),
      [LOG]: Buffer.concat([
        made.batch([Buffer.from([0, 0, 0, 0])], true),
        made.batch([...made.topic('a', A, [3, 3, 3, 3]), ...made.topic('gone', B, [0]), made.config('gone', 'retention.ms', '1'), ...made.topic('else', C, [0], [2, 3])]),
        made.batch([
          made.config('a', 'retention.ms', '5'), made.config('a', 'segment.ms', '7'), made.config('a', 'retention.ms', '6'), made.config('a', 'segment.ms', null),
          made.config('a', 'no.such.key', 'x'), made.config('', 'log.cleaner.threads', '2', ConfigResourceType.broker),
          made.framed(MetadataRecordType.PartitionChange, 0, (writer) => writePartitionChangeRecord(writer, makePartitionChangeRecord({ topicId: A, partitionId: 2, leader: 1 }), 0)),
          made.framed(MetadataRecordType.PartitionChange, 0, (writer) => writePartitionChangeRecord(writer, makePartitionChangeRecord({ topicId: A, partitionId: 3, isr: [1] }), 0)),
          made.framed(MetadataRecordType.AccessControlEntry, 0, (writer) => writeAccessControlEntryRecord(writer, makeAccessControlEntryRecord({ id: A, resourceName: 'kept' }), 0)),
          made.framed(MetadataRecordType.AccessControlEntry, 0, (writer) => writeAccessControlEntryRecord(writer, makeAccessControlEntryRecord({ id: B, resourceName: 'gone' }), 0)),
          made.record({ kind: 'removeAcl', id: B }),
          made.record({ kind: 'clientQuota', entity: new Map([['user', null]]), key: 'producer_byte_rate', value: 7 }),
          made.record({ kind: 'scramCredential', user: 'kept', mechanism: 1, credential }), made.record({ kind: 'scramCredential', user: 'gone', mechanism: 1, credential }),
          made.record({ kind: 'removeScramCredential', user: 'gone', mechanism: 1 }), made.record({ kind: 'delegationToken', token }),
          made.framed(MetadataRecordType.NoOp, 0), made.framed(200, 9),
          made.record({ kind: 'producerIds', brokerId: 1, brokerEpoch: 3, nextProducerId: 4000 }),
          made.record({ kind: 'removeTopic', id: B }),
        ]),
      ]),
    });
    const records = await made.adopt();
    expect(topicsIn(records)).toEqual({ a: { id: A, epochs: [7, 4, 5, 4] } });
    expect(settingsIn(records)).toEqual(['a retention.ms=6']);
    expect(ofKind(records, 'producerIds')).toMatchObject([{ nextProducerId: 4000 }]);
    expect(ofKind(records, 'partition').every(({ leader, replicas }) => leader === 1 && replicas.join() === '1')).toBe(true);
    const said = made.warnings.join('\n');
    expect(ofKind(records, 'acl').map(({ acl }) => acl.resourceName)).toEqual(['kept']);
    expect(ofKind(records, 'scramCredential')).toEqual([{ kind: 'scramCredential', user: 'kept', mechanism: 1, credential }]);
    expect(ofKind(records, 'delegationToken')).toEqual([{ kind: 'delegationToken', token }]);
    expect(ofKind(records, 'clientQuota')).toMatchObject([{ key: 'producer_byte_rate', value: 7 }]);
    for (const part of ['no.such.key', '"partitions":2', "not a topic's"]) expect(said).toContain(part);
  });

  it('begins with the newest snapshot and goes on with the log behind it', async () => {
    const made = new Folders();
    const old = made.batch(made.topic('old', B, [0]));
    const early = Buffer.concat([made.batch(made.topic('a', A, [0])), made.batch([made.config('a', 'retention.ms', '1')])]);
    const snapshotOffset = made.offset;
    const late = made.batch([made.config('a', 'retention.ms', '2')]);
    const snapshot = Buffer.concat([made.batch([Buffer.from([0])], true, 0), made.batch([...made.topic('a', A, [0]), made.config('a', 'segment.ms', '9')], false, 1)]);
    const name = (offset: number): string => `${String(offset).padStart(20, '0')}-0000000001.checkpoint`;
    await made.kafka({ [name(2)]: old, [name(snapshotOffset)]: snapshot, [LOG]: Buffer.concat([old, early]), [`${String(snapshotOffset).padStart(20, '0')}.log`]: late });
    const records = await made.adopt();
    expect(topicsIn(records)).toEqual({ a: { id: A, epochs: [1] } });
    expect(settingsIn(records)).toEqual(['a segment.ms=9', 'a retention.ms=2']);
  });

  it('takes a metadata transaction whole or not at all', async () => {
    const made = new Folders();
    await made.kafka({
      [LOG]: made.batch([
        made.framed(MetadataRecordType.BeginTransaction, 0), ...made.topic('b', B, [0]), made.framed(MetadataRecordType.AbortTransaction, 0),
        made.framed(MetadataRecordType.BeginTransaction, 0), ...made.topic('a', A, [0]), made.framed(MetadataRecordType.EndTransaction, 0),
        made.framed(MetadataRecordType.BeginTransaction, 0), ...made.topic('c', C, [0]),
      ]),
    });
    expect(Object.keys(topicsIn(await made.adopt()))).toEqual(['a']);
  });

  it.each<[string, (made: Folders) => Record<string, Buffer>]>([
    ['bytes that are damaged', (made) => {
      const bytes = made.batch(made.topic('a', A, [0]));
      bytes[bytes.length - 1]! ^= 1;
      return { [LOG]: bytes };
    }],
    ['a torn end', (made) => ({ [LOG]: made.batch(made.topic('a', A, [0])).subarray(0, -1) })],
    ['a missing beginning', (made) => ({ [LOG]: made.batch(made.topic('a', A, [0]), false, 7) })],
    ['a version that is not known', (made) => ({ [LOG]: made.batch([made.framed(MetadataRecordType.Topic, 9, (writer) => writer.int8(0))]) })],
    ['a partition of no topic', (made) => ({ [LOG]: made.batch(made.topic('a', A, [0]).slice(1)) })],
    ['no records', () => ({ 'quorum-state': Buffer.from('{}') })],
  ])('goes by the folders when the metadata log has %s, and deletes nothing for it', async (_, files) => {
    const made = new Folders();
    await made.kafka(files(made));
    await made.partition('a-0', A);
    await made.partition('a-1', null);
    await made.partition('__consumer_offsets-3', C);
    await made.partition('nameless-0', null);
    const records = await made.adopt();
    const topics = topicsIn(records);
    expect(topics).toMatchObject({ a: { id: A, epochs: [0, 0] }, __consumer_offsets: { id: C, epochs: [0, 0, 0, 0] } });
    expect(topics['nameless']!.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(settingsIn(records).sort()).toEqual([
      '__consumer_offsets cleanup.policy=compact', '__consumer_offsets compression.type=producer',
      'a retention.bytes=-1', 'a retention.ms=-1', 'nameless retention.bytes=-1', 'nameless retention.ms=-1',
    ]);
    expect(ofKind(records, 'producerIds')[0]!.nextProducerId).toBeGreaterThan(1e12);
    expect(made.warnings[0]).toContain("Kafka's metadata cannot be read");
  });

  it('refuses folders that contradict each other, or that lie', async () => {
    const twins = new Folders();
    await twins.partition('a-0', A);
    await twins.partition('a-1', B);
    await expect(twins.adopt()).rejects.toThrow(/a-0 and \/data\/a-1 belong to two topics/);
    const far = new Folders();
    await far.partition('a-2147483646', A);
    const error: unknown = await far.adopt().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MetadataError);
    expect(String(error)).toContain('move a-2147483646 away');
  });
});

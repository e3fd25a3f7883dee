import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMetadataRecord, encodeMetadataRecord } from '../../src/metadata/recordCodec.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { ProtocolError } from '../../src/protocol/protocolError.ts';
import { Writer } from '../../src/protocol/writer.ts';

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const int32 = fc.integer({ min: 0, max: 0x7fffffff });
const ids = fc.array(int32, { maxLength: 4 });
const text = fc.string({ maxLength: 20 });
const endpoint = fc.record({
  listener: text, host: text, port: fc.integer({ min: 0, max: 65_535 }), securityProtocol: fc.constantFrom('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
});

const anyRecord: fc.Arbitrary<MetadataRecord> = fc.oneof(
  fc.record({ kind: fc.constant('topic' as const), name: text, id: uuid }),
  fc.record({ kind: fc.constant('partition' as const), topicId: uuid, index: int32, replicas: ids, inSyncReplicas: ids, leader: int32, leaderEpoch: int32, partitionEpoch: int32 }),
  fc.record({ kind: fc.constant('removeTopic' as const), id: uuid }),
  fc.record({ kind: fc.constant('config' as const), resourceType: fc.constantFrom(2 as const, 4 as const, 32 as const), resourceName: text, key: text, value: fc.option(text) }),
  fc.record({ kind: fc.constant('producerIds' as const), brokerId: int32, brokerEpoch: fc.maxSafeNat(), nextProducerId: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant('feature' as const), name: text, level: fc.integer({ min: 0, max: 0x7fff }) }),
  fc.record({ kind: fc.constant('broker' as const), id: int32, incarnationId: uuid, epoch: fc.maxSafeNat(), rack: fc.option(text), endpoints: fc.array(endpoint, { maxLength: 3 }), fenced: fc.boolean() }),
);

describe('metadata records', () => {
  it('come back as they were written', () => {
    const writer = new Writer();
    fc.assert(fc.property(anyRecord, (record) => {
      expect(decodeMetadataRecord(encodeMetadataRecord(writer, record))).toEqual(record);
    }));
  });

  it('are framed as Kafka frames them', () => {
    const bytes = encodeMetadataRecord(new Writer(), { kind: 'topic', name: 'ab', id: 'AAAAAAAAAAAAAAAAAAAAAQ' });
    expect(bytes.toString('hex')).toBe('0102000361620000000000000000000000000000000100');
  });

  it('of unknown kinds, versions and lengths are refused', () => {
    fc.assert(fc.property(anyRecord, fc.nat(60), (record, cut) => {
      const bytes = encodeMetadataRecord(new Writer(), record);
      fc.pre(cut < bytes.length);
      expect(() => decodeMetadataRecord(bytes.subarray(0, cut))).toThrow(ProtocolError);
    }));
    expect(() => decodeMetadataRecord(Buffer.from([1, 99, 0]))).toThrow(/type 99/);
    expect(() => decodeMetadataRecord(Buffer.from([2, 2, 0]))).toThrow(/frame version 2/);
    expect(() => decodeMetadataRecord(Buffer.from([1, 2, 9]))).toThrow(/version 9/);
  });
});

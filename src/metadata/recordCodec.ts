/** Metadata records as Kafka frames them in `__cluster_metadata`: frame version 1, record type, record version (three varints), then the body. */
import { ProtocolError } from '../protocol/protocolError.ts';
import { Reader } from '../protocol/reader.ts';
import type { Writer } from '../protocol/writer.ts';
import { makeConfigRecord, readConfigRecord, writeConfigRecord } from '../protocol/generated/records/configRecord.ts';
import { makeFeatureLevelRecord, readFeatureLevelRecord, writeFeatureLevelRecord } from '../protocol/generated/records/featureLevelRecord.ts';
import { makePartitionRecord, readPartitionRecord, writePartitionRecord } from '../protocol/generated/records/partitionRecord.ts';
import { makeProducerIdsRecord, readProducerIdsRecord, writeProducerIdsRecord } from '../protocol/generated/records/producerIdsRecord.ts';
import { makeBrokerEndpoint, makeRegisterBrokerRecord, readRegisterBrokerRecord, writeRegisterBrokerRecord } from '../protocol/generated/records/registerBrokerRecord.ts';
import type { RegisterBrokerRecord } from '../protocol/generated/records/registerBrokerRecord.ts';
import { makeRemoveTopicRecord, readRemoveTopicRecord, writeRemoveTopicRecord } from '../protocol/generated/records/removeTopicRecord.ts';
import { makeTopicRecord, readTopicRecord, writeTopicRecord } from '../protocol/generated/records/topicRecord.ts';
import { MetadataRecordType } from '../protocol/generated/records/types.ts';
import { accessRecordType, readAccessRecord, writeAccessRecord } from './accessRecords.ts';
import { readCredentialRecord, writeCredentialRecord } from './credentialCodec.ts';
import type { BrokerFact, MetadataRecord } from './records.ts';
import type { ConfigResourceType } from './types.ts';

const FRAME_VERSION = 1;
/** Kafka's codes of security protocols. */
const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
/** The version that each body is written in, and the newest that is read. */
const VERSION = 0;
const PARTITION_VERSION_MAX = 2;
const REGISTER_BROKER_VERSION_MAX = 4;

/** Encodes one record. The bytes are the caller's. */
export function encodeMetadataRecord(writer: Writer, record: MetadataRecord): Buffer {
  switch (record.kind) {
    case 'topic':
      begin(writer, MetadataRecordType.Topic);
      writeTopicRecord(writer, makeTopicRecord({ name: record.name, topicId: record.id }), VERSION);
      break;
    case 'partition':
      begin(writer, MetadataRecordType.Partition);
      writePartitionRecord(writer, makePartitionRecord({
        partitionId: record.index, topicId: record.topicId, replicas: [...record.replicas], isr: [...record.inSyncReplicas],
        leader: record.leader, leaderEpoch: record.leaderEpoch, partitionEpoch: record.partitionEpoch,
      }), VERSION);
      break;
    case 'removeTopic':
      begin(writer, MetadataRecordType.RemoveTopic);
      writeRemoveTopicRecord(writer, makeRemoveTopicRecord({ topicId: record.id }), VERSION);
      break;
    case 'config':
      begin(writer, MetadataRecordType.Config);
      writeConfigRecord(writer, makeConfigRecord({ resourceType: record.resourceType, resourceName: record.resourceName, name: record.key, value: record.value }), VERSION);
      break;
    case 'producerIds':
      begin(writer, MetadataRecordType.ProducerIds);
      writeProducerIdsRecord(writer, makeProducerIdsRecord({ brokerId: record.brokerId, brokerEpoch: record.brokerEpoch, nextProducerId: record.nextProducerId }), VERSION);
      break;
    case 'feature':
      begin(writer, MetadataRecordType.FeatureLevel);
      writeFeatureLevelRecord(writer, makeFeatureLevelRecord({ name: record.name, featureLevel: record.level }), VERSION);
      break;
    case 'broker':
      begin(writer, MetadataRecordType.RegisterBroker);
      writeRegisterBrokerRecord(writer, registerRecord(record), VERSION);
      break;
    case 'scramCredential':
    case 'removeScramCredential':
    case 'delegationToken':
    case 'removeDelegationToken':
      writeCredentialRecord(writer, record, begin);
      break;
    default:
      begin(writer, accessRecordType[record.kind]);
      writeAccessRecord(writer, record);
      break;
  }
  return writer.takeBuffer();
}

function begin(writer: Writer, type: number): void {
  writer.unsignedVarint(FRAME_VERSION);
  writer.unsignedVarint(type);
  writer.unsignedVarint(VERSION);
}

function registerRecord(record: BrokerFact): RegisterBrokerRecord {
  return makeRegisterBrokerRecord({
    brokerId: record.id,
    incarnationId: record.incarnationId,
    brokerEpoch: record.epoch,
    rack: record.rack,
    fenced: record.fenced,
    endPoints: record.endpoints.map((endpoint) =>
      makeBrokerEndpoint({
        name: endpoint.listener, host: endpoint.host, port: endpoint.port,
        securityProtocol: Math.max(SECURITY_PROTOCOLS.indexOf(endpoint.securityProtocol), 0),
      })),
  });
}

/** Throws ProtocolError for bytes that are no record, or one of a kind that is not known here: leaving it out would lose what it says. */
export function decodeMetadataRecord(bytes: Buffer): MetadataRecord {
  const reader = new Reader(bytes);
  const frameVersion = reader.unsignedVarint();
  const type = reader.unsignedVarint();
  const version = reader.unsignedVarint();
  if (reader.ok && frameVersion !== FRAME_VERSION) throw new ProtocolError('UNSUPPORTED_VERSION', `metadata frame version ${frameVersion}`);
  if (reader.ok && version > newestVersion(type)) throw new ProtocolError('UNSUPPORTED_VERSION', `version ${version} of metadata record type ${type}`);
  const record = readBody(reader, type, version);
  reader.finish();
  return record;
}

function newestVersion(type: number): number {
  if (type === MetadataRecordType.Partition) return PARTITION_VERSION_MAX;
  return type === MetadataRecordType.RegisterBroker ? REGISTER_BROKER_VERSION_MAX : VERSION;
}

function readBody(reader: Reader, type: number, version: number): MetadataRecord {
  switch (type) {
    case MetadataRecordType.Topic: {
      const { name, topicId } = readTopicRecord(reader, version);
      return { kind: 'topic', name, id: topicId };
    }
    case MetadataRecordType.Partition: {
      const { topicId, partitionId, replicas, isr, leader, leaderEpoch, partitionEpoch } = readPartitionRecord(reader, version);
      return { kind: 'partition', topicId, index: partitionId, replicas, inSyncReplicas: isr, leader, leaderEpoch, partitionEpoch };
    }
    case MetadataRecordType.RemoveTopic:
      return { kind: 'removeTopic', id: readRemoveTopicRecord(reader, version).topicId };
    case MetadataRecordType.Config: {
      const { resourceType, resourceName, name, value } = readConfigRecord(reader, version);
      return { kind: 'config', resourceType: resourceType as ConfigResourceType, resourceName, key: name, value };
    }
    case MetadataRecordType.ProducerIds: {
      const { brokerId, brokerEpoch, nextProducerId } = readProducerIdsRecord(reader, version);
      return { kind: 'producerIds', brokerId, brokerEpoch, nextProducerId };
    }
    case MetadataRecordType.FeatureLevel: {
      const { name, featureLevel } = readFeatureLevelRecord(reader, version);
      return { kind: 'feature', name, level: featureLevel };
    }
    case MetadataRecordType.RegisterBroker:
      return brokerFact(readRegisterBrokerRecord(reader, version));
    default: {
      const record = readAccessRecord(reader, type, version) ?? readCredentialRecord(reader, type, version) ?? undefined;
      if (record === undefined) throw new ProtocolError('UNSUPPORTED_VERSION', `metadata record type ${type} is not known`);
      return record;
    }
  }
}

function brokerFact(record: RegisterBrokerRecord): BrokerFact {
  return {
    kind: 'broker',
    id: record.brokerId,
    incarnationId: record.incarnationId,
    epoch: record.brokerEpoch,
    rack: record.rack,
    fenced: record.fenced,
    endpoints: record.endPoints.map((endpoint) => ({
      listener: endpoint.name, host: endpoint.host, port: endpoint.port,
      securityProtocol: SECURITY_PROTOCOLS[endpoint.securityProtocol] ?? 'PLAINTEXT',
    })),
  };
}

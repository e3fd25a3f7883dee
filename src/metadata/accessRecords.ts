/** The bodies of records about access and quotas, in Kafka's schemas. */
import { makeAccessControlEntryRecord, readAccessControlEntryRecord, writeAccessControlEntryRecord } from '../protocol/generated/records/accessControlEntryRecord.ts';
import { makeClientQuotaRecord, makeEntityData, readClientQuotaRecord, writeClientQuotaRecord } from '../protocol/generated/records/clientQuotaRecord.ts';
import { makeRemoveAccessControlEntryRecord, readRemoveAccessControlEntryRecord, writeRemoveAccessControlEntryRecord } from '../protocol/generated/records/removeAccessControlEntryRecord.ts';
import { MetadataRecordType } from '../protocol/generated/records/types.ts';
import type { Reader } from '../protocol/reader.ts';
import type { Writer } from '../protocol/writer.ts';
import type { AclBinding } from './acls.ts';
import type { QuotaEntity } from './clientQuotas.ts';

export type AccessRecord =
  | { readonly kind: 'acl'; readonly id: string; readonly acl: AclBinding }
  | { readonly kind: 'removeAcl'; readonly id: string }
  /** `value` null removes the quota. */
  | { readonly kind: 'clientQuota'; readonly entity: QuotaEntity; readonly key: string; readonly value: number | null };

const VERSION = 0;

export const accessRecordType: Readonly<Record<AccessRecord['kind'], number>> = {
  acl: MetadataRecordType.AccessControlEntry,
  removeAcl: MetadataRecordType.RemoveAccessControlEntry,
  clientQuota: MetadataRecordType.ClientQuota,
};

export function writeAccessRecord(writer: Writer, record: AccessRecord): void {
  switch (record.kind) {
    case 'acl': {
      const { permission, ...acl } = record.acl;
      writeAccessControlEntryRecord(writer, makeAccessControlEntryRecord({ id: record.id, ...acl, permissionType: permission }), VERSION);
      break;
    }
    case 'removeAcl':
      writeRemoveAccessControlEntryRecord(writer, makeRemoveAccessControlEntryRecord({ id: record.id }), VERSION);
      break;
    case 'clientQuota': {
      const entity = [...record.entity].map(([entityType, entityName]) => makeEntityData({ entityType, entityName }));
      writeClientQuotaRecord(writer, makeClientQuotaRecord({ entity, key: record.key, value: record.value ?? 0, remove: record.value === null }), VERSION);
      break;
    }
  }
}

/** Undefined: the type is none of these. */
export function readAccessRecord(reader: Reader, type: number, version: number): AccessRecord | undefined {
  switch (type) {
    case MetadataRecordType.AccessControlEntry: {
      const { id, resourceType, resourceName, patternType, principal, host, operation, permissionType } = readAccessControlEntryRecord(reader, version);
      return { kind: 'acl', id, acl: { resourceType, resourceName, patternType, principal, host, operation, permission: permissionType } };
    }
    case MetadataRecordType.RemoveAccessControlEntry:
      return { kind: 'removeAcl', id: readRemoveAccessControlEntryRecord(reader, version).id };
    case MetadataRecordType.ClientQuota: {
      const { entity, key, value, remove } = readClientQuotaRecord(reader, version);
      return { kind: 'clientQuota', entity: new Map(entity.map(({ entityType, entityName }) => [entityType, entityName])), key, value: remove ? null : value };
    }
    default:
      return undefined;
  }
}

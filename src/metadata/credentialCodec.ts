/** Kafka's metadata records of SCRAM credentials and delegation tokens. */
import { makeDelegationTokenRecord, readDelegationTokenRecord, writeDelegationTokenRecord } from '../protocol/generated/records/delegationTokenRecord.ts';
import { makeRemoveDelegationTokenRecord, readRemoveDelegationTokenRecord, writeRemoveDelegationTokenRecord } from '../protocol/generated/records/removeDelegationTokenRecord.ts';
import { makeRemoveUserScramCredentialRecord, readRemoveUserScramCredentialRecord, writeRemoveUserScramCredentialRecord } from '../protocol/generated/records/removeUserScramCredentialRecord.ts';
import { MetadataRecordType } from '../protocol/generated/records/types.ts';
import { makeUserScramCredentialRecord, readUserScramCredentialRecord, writeUserScramCredentialRecord } from '../protocol/generated/records/userScramCredentialRecord.ts';
import type { Reader } from '../protocol/reader.ts';
import type { Writer } from '../protocol/writer.ts';
import type { CredentialRecord, DelegationToken } from './credentials.ts';

const VERSION = 0;

const TYPES: Readonly<Record<CredentialRecord['kind'], number>> = {
  scramCredential: MetadataRecordType.UserScramCredential,
  removeScramCredential: MetadataRecordType.RemoveUserScramCredential,
  delegationToken: MetadataRecordType.DelegationToken,
  removeDelegationToken: MetadataRecordType.RemoveDelegationToken,
};

/** `begin` writes the frame in front of the body. */
export function writeCredentialRecord(writer: Writer, record: CredentialRecord, begin: (writer: Writer, type: number) => void): void {
  begin(writer, TYPES[record.kind]);
  switch (record.kind) {
    case 'scramCredential':
      writeUserScramCredentialRecord(writer, makeUserScramCredentialRecord({ name: record.user, mechanism: record.mechanism, ...record.credential }), VERSION);
      break;
    case 'removeScramCredential':
      writeRemoveUserScramCredentialRecord(writer, makeRemoveUserScramCredentialRecord({ name: record.user, mechanism: record.mechanism }), VERSION);
      break;
    case 'delegationToken': {
      const { tokenId, owner, requester, renewers, issueTimestampMs, maxTimestampMs, expiryTimestampMs } = record.token;
      writeDelegationTokenRecord(writer, makeDelegationTokenRecord({
        tokenId, owner, requester, renewers: [...renewers], issueTimestamp: issueTimestampMs, maxTimestamp: maxTimestampMs, expirationTimestamp: expiryTimestampMs,
      }), VERSION);
      break;
    }
    case 'removeDelegationToken':
      writeRemoveDelegationTokenRecord(writer, makeRemoveDelegationTokenRecord({ tokenId: record.tokenId }), VERSION);
      break;
  }
}

/** Null for records of other types. Bytes of a credential are copies. */
export function readCredentialRecord(reader: Reader, type: number, version: number): CredentialRecord | null {
  switch (type) {
    case MetadataRecordType.UserScramCredential: {
      const { name, mechanism, salt, storedKey, serverKey, iterations } = readUserScramCredentialRecord(reader, version);
      const credential = { salt: Buffer.from(salt), storedKey: Buffer.from(storedKey), serverKey: Buffer.from(serverKey), iterations };
      return { kind: 'scramCredential', user: name, mechanism, credential };
    }
    case MetadataRecordType.RemoveUserScramCredential: {
      const { name, mechanism } = readRemoveUserScramCredentialRecord(reader, version);
      return { kind: 'removeScramCredential', user: name, mechanism };
    }
    case MetadataRecordType.DelegationToken:
      return { kind: 'delegationToken', token: tokenOf(reader, version) };
    case MetadataRecordType.RemoveDelegationToken:
      return { kind: 'removeDelegationToken', tokenId: readRemoveDelegationTokenRecord(reader, version).tokenId };
    default:
      return null;
  }
}

function tokenOf(reader: Reader, version: number): DelegationToken {
  const { tokenId, owner, requester, renewers, issueTimestamp, maxTimestamp, expirationTimestamp } = readDelegationTokenRecord(reader, version);
  return { tokenId, owner, requester, renewers, issueTimestampMs: issueTimestamp, maxTimestampMs: maxTimestamp, expiryTimestampMs: expirationTimestamp };
}

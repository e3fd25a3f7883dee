import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { saltedPasswordSync, scramByName, type ScramMechanism } from '../../src/base/sasl/index.ts';
import { decideNewToken, decideScram, decideTokenChange, decideTokenSweep } from '../../src/metadata/credentialDecisions.ts';
import { MutableCredentials, type DelegationToken } from '../../src/metadata/credentials.ts';
import { decodeMetadataRecord, encodeMetadataRecord } from '../../src/metadata/recordCodec.ts';
import type { MetadataRecord } from '../../src/metadata/records.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { Writer } from '../../src/protocol/writer.ts';

const sha256 = scramByName('SCRAM-SHA-256') as ScramMechanism;
const salt = randomBytes(16);
const upsertion = (user: string, changes = {}) => ({ user, mechanism: 1, iterations: 4096, salt, saltedPassword: saltedPasswordSync(sha256, 'pw', salt, 4096), ...changes });

/** Applies what was decided, through the bytes of the records. */
function apply(credentials: MutableCredentials, records: MetadataRecord[]): void {
  const writer = new Writer();
  for (const record of records) credentials.apply(decodeMetadataRecord(Buffer.from(encodeMetadataRecord(writer, record))) as never);
}

describe('SCRAM credentials', () => {
  it('are made, replaced, kept by a snapshot and removed', () => {
    const credentials = new MutableCredentials();
    const records: MetadataRecord[] = [];
    const outcomes = decideScram(credentials, [], [upsertion('alice'), upsertion('bob')], records);
    expect([...outcomes]).toEqual([['alice', { code: 0, message: null }], ['bob', { code: 0, message: null }]]);
    apply(credentials, records);
    expect(credentials.scram.get('alice')?.get(1)).toMatchObject({ iterations: 4096, salt });
    const again = new MutableCredentials();
    apply(again, [...credentials.snapshot()]);
    expect(again.scram).toEqual(credentials.scram);
    const removal: MetadataRecord[] = [];
    decideScram(credentials, [{ user: 'alice', mechanism: 1 }], [], removal);
    apply(credentials, removal);
    expect([...credentials.scram.keys()]).toEqual(['bob']);
  });

  it('take a salted password of another length than the hash, as Kafka does', () => {
    const outcomes = decideScram(new MutableCredentials(), [], [upsertion('alice', { saltedPassword: Buffer.from('my-salted-password') })], []);
    expect(outcomes.get('alice')).toEqual({ code: 0, message: null });
  });

  it.each([
    ['no name', [], [upsertion('')], ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ['unknown mechanism', [], [upsertion('a', { mechanism: 9 })], ErrorCode.UNSUPPORTED_SASL_MECHANISM],
    ['mechanism 0', [{ user: 'a', mechanism: 0 }], [], ErrorCode.UNSUPPORTED_SASL_MECHANISM],
    ['too few iterations', [], [upsertion('a', { iterations: 4095 })], ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ['too many iterations', [], [upsertion('a', { iterations: 16_385 })], ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ['an empty password', [], [upsertion('a', { saltedPassword: Buffer.alloc(0) })], ErrorCode.UNACCEPTABLE_CREDENTIAL],
    ['no such credential', [{ user: 'a', mechanism: 1 }], [], ErrorCode.RESOURCE_NOT_FOUND],
    ['twice', [], [upsertion('a'), upsertion('a')], ErrorCode.DUPLICATE_RESOURCE],
    ['three times', [], [upsertion('a'), upsertion('a'), upsertion('a')], ErrorCode.DUPLICATE_RESOURCE],
    ['two mechanisms of one user at once', [], [upsertion('a'), upsertion('a', { mechanism: 2 })], ErrorCode.DUPLICATE_RESOURCE],
  ])('refuses: %s', (_name, deletions, upsertions, code) => {
    const records: MetadataRecord[] = [];
    const outcomes = decideScram(new MutableCredentials(), deletions, upsertions, records);
    expect([...outcomes.values()].map((outcome) => outcome.code)).toEqual([code]);
    expect(records).toEqual([]);
  });
});

describe('delegation tokens', () => {
  const token: DelegationToken = { tokenId: 'id', owner: 'User:o', requester: 'User:q', renewers: ['User:r'], issueTimestampMs: 1000, maxTimestampMs: 9000, expiryTimestampMs: 5000 };
  const store = (): MutableCredentials => {
    const credentials = new MutableCredentials();
    const records: MetadataRecord[] = [];
    expect(decideNewToken(credentials, token, records).code).toBe(0);
    apply(credentials, records);
    expect(credentials.tokens.get('id')).toEqual(token);
    return credentials;
  };
  const change = (credentials: MutableCredentials, fields: object) => {
    const records: MetadataRecord[] = [];
    const outcome = decideTokenChange(credentials, { tokenId: 'id', principal: 'User:o', kind: 'renew', periodMs: -1, renewMsMax: 3000, nowMs: 2000, ...fields }, records);
    apply(credentials, records);
    return [outcome.code, outcome.expiryTimestampMs];
  };

  it.each([
    [{}, [0, 5000]],
    [{ periodMs: 100 }, [0, 2100]],
    [{ periodMs: 4000 }, [0, 5000]],
    [{ principal: 'User:r', nowMs: 4999, renewMsMax: 100_000 }, [0, 9000]],
    [{ principal: 'User:q' }, [ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH, 0]],
    [{ tokenId: 'other' }, [ErrorCode.DELEGATION_TOKEN_NOT_FOUND, 0]],
    [{ nowMs: 5001 }, [ErrorCode.DELEGATION_TOKEN_EXPIRED, 0]],
    [{ kind: 'expire', periodMs: 50 }, [0, 2050]],
    [{ kind: 'expire', periodMs: 0 }, [0, 2000]],
    [{ kind: 'expire', nowMs: 5001 }, [ErrorCode.DELEGATION_TOKEN_EXPIRED, 0]],
  ])('%j', (fields, expected) => {
    expect(change(store(), fields)).toEqual(expected);
  });

  it('end at once, and by themselves when their time has passed', () => {
    const credentials = store();
    expect(change(credentials, { kind: 'expire', periodMs: -1 })).toEqual([0, -1]);
    expect(credentials.tokens.size).toBe(0);
    const other = store();
    const sweep = (nowMs: number) => {
      const records: MetadataRecord[] = [];
      decideTokenSweep(other, nowMs, records);
      apply(other, records);
      return other.tokens.size;
    };
    expect(sweep(5000)).toBe(1);
    expect(sweep(5001)).toBe(0);
  });
});

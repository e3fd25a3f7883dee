import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ErrorCode, KafkaError, errorName, errorSpec, isRetriable, throwOnError } from '../../src/protocol/errors.ts';
import { ApiKey, apis } from '../../src/protocol/generated/apis.ts';
import { errorSpecs } from '../../src/protocol/generated/errors.ts';
import { GroupCoordinatorRecordType, MetadataRecordType } from '../../src/protocol/generated/records/types.ts';
import { int64OrThrow, isSafeInt64, isSafeOffset, offsetOrThrow } from '../../src/protocol/offsets.ts';

const load = (name: string): unknown => JSON.parse(readFileSync(new URL(`../../src/protocol/schema/${name}`, import.meta.url), 'utf8'));

describe('generated files', () => {
  it('agree with the schemas', () => {
    const script = fileURLToPath(new URL('../../scripts/generate.mjs', import.meta.url));
    const result = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
  });
});

describe('API table', () => {
  it('has the spans that the release serves', () => {
    const releases = load('api-versions-by-release.json') as { apiKey: number; name: string; versions: Record<string, string | null> }[];
    expect(apis).toHaveLength(releases.length);
    for (const { apiKey, name, versions } of releases) {
      const api = apis[apiKey]!;
      const span = versions['4.3.1'] ?? 'none';
      expect([api.key, api.name, ApiKey[name as keyof typeof ApiKey]]).toEqual([apiKey, name, apiKey]);
      if (span === 'none') expect(api.max).toBe(-1);
      else if (!span.endsWith('*')) expect(span).toBe(api.min === api.max ? `${api.min}` : `${api.min}-${api.max}`);
      expect(api.max <= api.codecMax && (api.max < 0 || api.min >= api.codecMin)).toBe(true);
    }
  });

  it('keeps unstable versions back and advertises Produce from 0', () => {
    expect(apis[ApiKey.InitProducerId]).toMatchObject({ max: 5, maxUnstable: 6 });
    expect(apis[ApiKey.Produce]).toMatchObject({ min: 3, advertisedMin: 0, flexibleFrom: 9 });
    expect(apis[ApiKey.SaslHandshake]!.flexibleFrom).toBe(Infinity);
    expect([apis[ApiKey.Vote]!.controllerOnly, apis[ApiKey.Fetch]!.controllerOnly]).toEqual([true, false]);
  });
});

describe('errors', () => {
  it('are those of the table', () => {
    const rows = load('errors.json') as { code: number; name: string; retriable: boolean; refreshMetadata?: boolean }[];
    expect(errorSpecs).toHaveLength(rows.length);
    for (const { code, name, retriable, refreshMetadata } of rows) {
      expect(errorSpec(code)).toEqual({ code, name, retriable, refreshMetadata: refreshMetadata === true });
      expect(ErrorCode[name as keyof typeof ErrorCode]).toBe(code);
    }
  });

  it('carry code, name and whether to try again', () => {
    const error = new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, 'moved');
    expect(error).toMatchObject({ name: 'KafkaError', code: 6, codeName: 'NOT_LEADER_OR_FOLLOWER', retriable: true, refreshMetadata: true, message: 'NOT_LEADER_OR_FOLLOWER: moved' });
    expect(new KafkaError(3, null).message).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    expect([isRetriable(3), isRetriable(10), errorName(-1)]).toEqual([true, false, 'UNKNOWN_SERVER_ERROR']);
    expect(() => throwOnError(ErrorCode.NONE)).not.toThrow();
    expect(() => throwOnError(10, 'big')).toThrowError(KafkaError);
  });

  it('of a future release are unknown but keep their number', () => {
    expect(new KafkaError(9999)).toMatchObject({ code: 9999, codeName: 'UNKNOWN_ERROR_9999', retriable: false });
    expect(errorSpec(-2)).toMatchObject({ code: -2, retriable: false });
  });
});

describe('record types', () => {
  it('are the numbers in front of keys and records', () => {
    expect(GroupCoordinatorRecordType).toMatchObject({ LegacyOffsetCommit: 0, OffsetCommit: 1, GroupMetadata: 2 });
    expect(MetadataRecordType).toMatchObject({ RegisterBroker: 0, Topic: 2, Partition: 3 });
  });
});

describe('offsets at the door', () => {
  it('are whole numbers in 0..2^53-1', () => {
    for (const offset of [0, 1, Number.MAX_SAFE_INTEGER]) expect(offsetOrThrow(offset, 'offset')).toBe(offset);
    for (const offset of [-1, 2n ** 63n - 1n, -5n, 0.5, NaN, 2 ** 53]) {
      expect(isSafeOffset(offset)).toBe(false);
      expect(() => offsetOrThrow(offset, 'offset')).toThrowError(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
    }
    expect([isSafeInt64(-2), int64OrThrow(-2, 'timestamp'), isSafeInt64(2n ** 60n)]).toEqual([true, -2, false]);
    expect(() => int64OrThrow(-(2n ** 60n), 'timestamp')).toThrowError(expect.objectContaining({ code: 'OUT_OF_RANGE' }));
  });
});

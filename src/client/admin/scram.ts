import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAlterUserScramCredentialsRequest, makeScramCredentialDeletion, makeScramCredentialUpsertion, readAlterUserScramCredentialsResponse, writeAlterUserScramCredentialsRequest } from '../../protocol/generated/alterUserScramCredentials.ts';
import { makeDescribeUserScramCredentialsRequest, makeUserName, readDescribeUserScramCredentialsResponse, writeDescribeUserScramCredentialsRequest } from '../../protocol/generated/describeUserScramCredentials.ts';
import { KafkaError, throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { controller } from './routes.ts';

const describeScramApi = { apiKey: ApiKey.DescribeUserScramCredentials, versionMax: 0, write: writeDescribeUserScramCredentialsRequest, read: readDescribeUserScramCredentialsResponse } as const;
const alterScramApi = { apiKey: ApiKey.AlterUserScramCredentials, versionMax: 0, write: writeAlterUserScramCredentialsRequest, read: readAlterUserScramCredentialsResponse } as const;

export const ScramMechanism = { 'SCRAM-SHA-256': 1, 'SCRAM-SHA-512': 2 } as const;
export type ScramMechanism = keyof typeof ScramMechanism;

export interface ScramCredentialInfo {
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
}

export type ScramAlteration =
  | { readonly user: string; readonly mechanism: ScramMechanism; readonly isDeletion: true }
  /** `saltedPassword` is the PBKDF2 of the password by the mechanism's hash, `salt` and `iterations`: the password itself never leaves the client. */
  | { readonly user: string; readonly mechanism: ScramMechanism; readonly isDeletion: false; readonly iterations: number; readonly salt: Buffer; readonly saltedPassword: Buffer };

/** Which credentials users have; null: all users. */
export async function describeScramCredentials(cluster: Cluster, users: readonly string[] | null): Promise<Map<string, Outcome<ScramCredentialInfo[]>>> {
  const body = makeDescribeUserScramCredentialsRequest({ users: users?.map((name) => makeUserName({ name })) ?? null });
  const answer = await cluster.askAny(describeScramApi, body);
  throwOnError(answer.errorCode, answer.errorMessage);
  return new Map(answer.results.map(({ user, errorCode, errorMessage, credentialInfos }) => [user, outcomeOf(errorCode, errorMessage, credentialInfos.flatMap(({ mechanism, iterations }) => {
    const name = mechanismName(mechanism);
    return name === null ? [] : [{ mechanism: name, iterations }];
  }))]));
}

const mechanismName = (code: number): ScramMechanism | null => (Object.keys(ScramMechanism) as ScramMechanism[]).find((name) => ScramMechanism[name] === code) ?? null;

/** Sets and deletes credentials; the outcome is each user's. */
export function alterScramCredentials(cluster: Cluster, alterations: readonly ScramAlteration[]): Promise<Map<string, Outcome<null>>> {
  const users = [...new Set(alterations.map(({ user }) => user))];
  return askForEach<string, null>(cluster, users, controller(cluster), async (connection, keys) => {
    const wanted = alterations.filter(({ user }) => keys.includes(user));
    const body = makeAlterUserScramCredentialsRequest({
      deletions: wanted.flatMap((each) => (each.isDeletion ? [makeScramCredentialDeletion({ name: each.user, mechanism: ScramMechanism[each.mechanism] })] : [])),
      upsertions: wanted.flatMap((each) => (each.isDeletion ? [] : [makeScramCredentialUpsertion({ name: each.user, mechanism: ScramMechanism[each.mechanism], iterations: each.iterations, salt: each.salt, saltedPassword: each.saltedPassword })])),
    });
    const answer = await connection.request(alterScramApi, body);
    return new Map(answer.results.map(({ user, errorCode, errorMessage }) => [user, outcomeOf(errorCode, errorMessage, null)]));
  });
}

/** Whether the user has no credentials at all. */
export const hasNoCredentials = (error: unknown): boolean => error instanceof KafkaError && error.codeName === 'RESOURCE_NOT_FOUND';

/** Users that a cluster begins with, so that somebody can log in to make others. */
import type { Random } from '../base/ports.ts';
import { saltedPassword, scramByName } from '../base/sasl/index.ts';
import type { Controller, ScramUpsertion } from '../metadata/index.ts';

export interface FirstScramUser {
  /** SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly mechanism: string;
  readonly user: string;
  readonly password: string;
  /** Default: the fewest that the mechanism allows. */
  readonly iterations?: number;
}

const SALT_BYTES = 24;

/** Rejects with Error, the user's name and the reason in it. Several mechanisms of one user are fine. */
export async function addFirstScramUsers(users: readonly FirstScramUser[], controller: Controller, random: Random): Promise<void> {
  for (const user of users) {
    const outcomes = await controller.alterScramCredentials([], [await upsertionOf(user, random)]);
    for (const [name, { code, message }] of outcomes) {
      if (code !== 0) throw new Error(`the SCRAM user ${name} cannot be made: ${message ?? `error ${code}`}`);
    }
  }
}

async function upsertionOf({ mechanism: name, user, password, iterations }: FirstScramUser, random: Random): Promise<ScramUpsertion> {
  const mechanism = scramByName(name);
  if (mechanism === undefined) throw new Error(`the SCRAM user ${user} cannot be made: ${name} is no SCRAM mechanism`);
  const count = iterations ?? mechanism.iterationsMin;
  const salt = Buffer.from(random.bytes(SALT_BYTES));
  return { user, mechanism: mechanism.code, iterations: count, salt, saltedPassword: await saltedPassword(mechanism, password, salt, count) };
}

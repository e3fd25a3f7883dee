/** What the secured rows need: keys, users, and brokers that ask for them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { AclOperation, AclPermission, PatternType, ResourceType } from '../../src/metadata/acls.ts';
import type { AclCreation } from '../../src/protocol/generated/createAcls.ts';
import { issue } from '../../test/support/certificates.ts';
import { createAcls, createAclsRequest } from './load/calls.ts';
import { openAs } from './load/entry.ts';
import type { LoadEntry } from './load/order.ts';
import { startBroker } from './process.ts';
import type { RunningBroker } from './process.ts';

const LOGINS = { administrator: { username: 'administrator', password: 'of-the-bench' }, client: { username: 'client', password: 'of-the-load' } };
const AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const LOGIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
/** Lists about other users and other topics, by name and by prefix, and some of the same user. */
const LISTS_OF_OTHERS = 100;

export interface SecuredBroker {
  readonly broker: RunningBroker;
  /** For its second listener. */
  readonly entry: LoadEntry;
}

/** A plain listener and one with TLS. `folder` gets its key. */
export async function startWithTls(root: string, folder: string, nodeOptions: readonly string[] = []): Promise<SecuredBroker> {
  const authority = issue([['CN', 'bench']]);
  const { key, certificate } = issue([['CN', 'localhost']], authority);
  const keyFile = path.join(folder, 'key.pem');
  writeFileSync(keyFile, `${key}\n${certificate}`, { mode: 0o600 });
  const settings = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': keyFile, 'ssl.enabled.protocols': 'TLSv1.3' };
  return { broker: await startBroker(root, nodeOptions, { settings, secured: 'SSL' }), entry: { trusted: authority.certificate, logins: null } };
}

/** A listener that asks for a password, and some hundred access lists. */
export async function startWithLists(root: string, nodeOptions: readonly string[] = []): Promise<SecuredBroker> {
  const users = Object.values(LOGINS).map(({ username, password }) => `user_${username}="${password}"`);
  const settings = {
    'authorizer.class.name': AUTHORIZER,
    'super.users': `User:${LOGINS.administrator.username}`,
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `${LOGIN_MODULE} required ${users.join(' ')};`,
  };
  const broker = await startBroker(root, nodeOptions, { settings, secured: 'SASL_PLAINTEXT' });
  const entry: LoadEntry = { trusted: null, logins: LOGINS };
  try {
    await makeLists({ host: broker.host, port: broker.securedPort, entry });
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return { broker, entry };
}

async function makeLists(place: { readonly host: string; readonly port: number; readonly entry: LoadEntry }): Promise<void> {
  const connection = await openAs('administrator', place);
  const answer = await connection.call(createAcls, createAclsRequest(lists()));
  connection.close();
  const failed = answer.results.find(({ errorCode }) => errorCode !== 0);
  if (failed !== undefined) throw new Error(`CreateAcls failed with error code ${failed.errorCode}: ${failed.errorMessage ?? ''}`);
}

function lists(): Partial<AclCreation>[] {
  const { topic, transactionalId } = ResourceType;
  const { literal, prefixed } = PatternType;
  const allow = { principal: `User:${LOGINS.client.username}`, host: '*', permissionType: AclPermission.allow };
  const own: Partial<AclCreation>[] = [
    { ...allow, resourceType: topic, resourceName: 'bench-', resourcePatternType: prefixed, operation: AclOperation.write },
    { ...allow, resourceType: topic, resourceName: 'bench-', resourcePatternType: prefixed, operation: AclOperation.read },
    { ...allow, resourceType: transactionalId, resourceName: 'bench-', resourcePatternType: prefixed, operation: AclOperation.write },
    { ...allow, resourceType: topic, resourceName: 'bench-secret', resourcePatternType: literal, operation: AclOperation.all, permissionType: AclPermission.deny },
  ];
  const others = Array.from({ length: LISTS_OF_OTHERS }, (_, index): Partial<AclCreation>[] => [
    { ...allow, principal: `User:team-${index}`, resourceType: topic, resourceName: `bench-team-${index}`, resourcePatternType: literal, operation: AclOperation.all },
    { ...allow, principal: `User:team-${index}`, resourceType: topic, resourceName: 'bench-', resourcePatternType: prefixed, operation: AclOperation.read },
    { ...allow, resourceType: topic, resourceName: `area-${index}-`, resourcePatternType: prefixed, operation: AclOperation.write },
  ]);
  return [...own, ...others.flat()];
}

/** Asks the whole table of a broker, whoever it is. */
import { AclPermission, PatternType } from '../../../src/metadata/acls.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { allMessages } from '../../../src/protocol/generated/allMessages.ts';
import type { Reader } from '../../../src/protocol/reader.ts';
import type { Writer } from '../../../src/protocol/writer.ts';
import { GROUP, OTHER_TOPIC, TOPIC, TRANSACTION, nameOfRights, rightSets, scenarios, verdictsOf } from './accessScenarios.ts';
import type { Right, Scenario, World } from './accessScenarios.ts';

/** A codec of one message, its types left out. */
export interface Codec {
  make(fields: object): object;
  read(reader: Reader, version: number): unknown;
  write(writer: Writer, value: object, version: number): void;
}

export interface Call {
  readonly apiKey: number;
  readonly version: number;
  readonly body: object;
  readonly request: Codec;
  readonly response: Codec;
}

/** One principal's connection. Null: the API is not served, or the connection was closed. */
export type Ask = (call: Call) => Promise<unknown>;

/** Scenario to rights to what was said of them. */
export type Answers = Record<string, Record<string, string[]>>;

/** How answers are kept: what is said alike stands once. */
export type KeptAnswers = Record<string, { readonly answer: readonly string[]; readonly rights: string[] }[]>;

export function keep(answers: Answers): KeptAnswers {
  const kept: KeptAnswers = {};
  for (const [name, byRights] of Object.entries(answers)) {
    const groups = new Map<string, { answer: string[]; rights: string[] }>();
    for (const [rights, answer] of Object.entries(byRights)) {
      const group = groups.get(answer.join()) ?? { answer, rights: [] };
      groups.set(answer.join(), group);
      group.rights.push(rights);
    }
    kept[name] = [...groups.values()];
  }
  return kept;
}

export function unkeep(kept: KeptAnswers): Answers {
  return Object.fromEntries(Object.entries(kept).map(([name, groups]) =>
    [name, Object.fromEntries(groups.flatMap(({ answer, rights }) => rights.map((one) => [one, [...answer]])))]));
}

export function callOf(api: string, version: number, fields: object): Call {
  const codecs = allMessages as unknown as Record<string, Codec>;
  const request = codecs[`${api}Request`]!;
  return { apiKey: apiKeyOf(api), version, body: request.make(fields), request, response: codecs[`${api}Response`]! };
}

/** The API that lists settings kept its first name in the table of keys. */
export const apiKeyOf = (api: string): number => (ApiKey as Record<string, number>)[api === 'ListConfigResources' ? 'ListClientMetricsResources' : api]!;

export const ALICE = 'User:alice';

/** `admin` may do everything, `alice` what the lists allow her. `settle` waits until the lists hold. */
export async function askTable(admin: Ask, alice: Ask, settle: () => Promise<void>): Promise<Answers> {
  const answers: Answers = {};
  let world: World = { topicIds: new Map() };
  let isChanged = true;
  for (const rights of rightSets) {
    await replaceAcls(admin, rights);
    await settle();
    if (isChanged) world = await makeWorld(admin, settle);
    isChanged = false;
    for (const scenario of scenarios.filter(({ removes }) => removes !== true)) await askOne(scenario, rights, world, alice, answers);
    for (const scenario of scenarios.filter(({ removes }) => removes === true)) {
      if (isChanged) world = await makeWorld(admin, settle);
      isChanged = await askOne(scenario, rights, world, alice, answers);
    }
  }
  return answers;
}

/** Whether something was let through. */
async function askOne(scenario: Scenario, rights: readonly Right[], world: World, alice: Ask, answers: Answers): Promise<boolean> {
  const response = await alice(callOf(scenario.api, scenario.version, scenario.body(world)));
  if (response === null) return false;
  const verdicts = verdictsOf(response, world);
  (answers[scenario.name] ??= {})[nameOfRights(rights)] = verdicts;
  return verdicts.some((verdict) => /^errorCode \S.* passed$/.test(verdict));
}

async function makeWorld(admin: Ask, settle: () => Promise<void>): Promise<World> {
  const topics = [TOPIC, OTHER_TOPIC].map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }));
  await admin(callOf('CreateTopics', 7, { topics, timeoutMs: 5000, validateOnly: false }));
  await admin(callOf('DeleteTopics', 5, { topicNames: ['gamma'], timeoutMs: 5000 }));
  await settle();
  const metadata = await admin(callOf('Metadata', 12, { topics: null, allowAutoTopicCreation: false })) as { topics: { name: string; topicId: string }[] };
  await admin(callOf('FindCoordinator', 4, { keyType: 0, coordinatorKeys: [GROUP] }));
  await admin(callOf('FindCoordinator', 4, { keyType: 1, coordinatorKeys: [TRANSACTION] }));
  const committed = topics.map(({ name }) => ({
    name, topicId: '', partitions: [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: '' }],
  }));
  await admin(callOf('OffsetCommit', 9, { groupId: GROUP, generationIdOrMemberEpoch: -1, memberId: '', groupInstanceId: null, topics: committed }));
  await admin(callOf('InitProducerId', 4, { transactionalId: TRANSACTION, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 }));
  return { topicIds: new Map(metadata.topics.map(({ name, topicId }) => [name, topicId])) };
}

async function replaceAcls(admin: Ask, rights: readonly Right[]): Promise<void> {
  const everything = { resourceTypeFilter: 1, resourceNameFilter: null, patternTypeFilter: 1, principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 };
  await admin(callOf('DeleteAcls', 3, { filters: [everything] }));
  const creations = rights.map(({ resourceType, name, operation, patternType, permission, principal, host }) => ({
    resourceType, resourceName: name, resourcePatternType: patternType ?? PatternType.literal, principal: principal ?? ALICE, host: host ?? '*', operation,
    permissionType: permission ?? AclPermission.allow,
  }));
  const created = await admin(callOf('CreateAcls', 3, { creations })) as { results: { errorCode: number }[] };
  if (created.results.some(({ errorCode }) => errorCode !== 0)) throw new Error(`the lists were not made: ${JSON.stringify(created)}`);
}

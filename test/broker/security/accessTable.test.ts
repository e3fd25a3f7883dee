import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { guardsByApi, UNGUARDED } from '../../../src/broker/security/acl/index.ts';
import { apis } from '../../../src/protocol/generated/apis.ts';
import { send, settle, startNode, TestConnection } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { ALICE, apiKeyOf, askTable, unkeep } from './accessRunner.ts';
import type { Ask, KeptAnswers } from './accessRunner.ts';
import { scenarios } from './accessScenarios.ts';

/** What Apache Kafka 4.3.1 answered (test/interop/accessAnswers.test.ts). */
const kafkaAnswers = unkeep(JSON.parse(readFileSync(new URL('./kafkaAnswers.json', import.meta.url), 'utf8')) as KeptAnswers);

const settings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users': 'User:admin', 'group.initial.rebalance.delay.ms': '0', 'node.id': '1',
};

class PrincipalConnection extends TestConnection {
  override readonly principal: string;

  constructor(principal: string) {
    super();
    this.principal = principal;
  }
}

function asker(node: TestNode, principal: string): Ask {
  const connection = new PrincipalConnection(principal);
  return async ({ apiKey, version, body, request, response }) => {
    const pending = send(node, { apiKey, write: (writer, value: object, v) => request.write(writer, value, v), read: (reader, v) => response.read(reader, v) }, version, body, connection);
    for (let turn = 0; turn < 50 && pending.outcome.frame === null && pending.outcome.closed === null; turn++) await settle();
    return pending.response();
  };
}

describe('the table of APIs, principals and resources', () => {
  it('is answered as Apache Kafka answers it', async () => {
    const node = await startNode({ settings });
    const answers = await askTable(asker(node, 'User:admin'), asker(node, ALICE), settle);
    await node.stop();
    const served = new Set(node.broker.services.servedApis.map(({ apiKey }) => apiKey));
    for (const { name, api } of scenarios) {
      if (!served.has(apiKeyOf(api))) continue;
      expect.soft(answers[name], name).toEqual(kafkaAnswers[name]);
    }
    expect(Object.keys(answers).length).toBeGreaterThan(60);
  });

  it('has a rule for every API that a client may ask for', () => {
    const without = apis.filter((spec) => spec !== undefined && !guardsByApi.has(spec.key) && !UNGUARDED.has(spec.key)).map((spec) => spec.name);
    expect(without).toEqual([]);
  });
});

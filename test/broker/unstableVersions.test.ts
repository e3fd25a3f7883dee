/** What `unstable.api.versions.enable` offers beside the rest (BrokerApiVersionsCommandTest): InitProducerId 6, which begins two-phase commits (KIP-939). */
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeApiVersionsRequest } from '../../src/protocol/generated/apiVersions.ts';
import { ApiKey } from '../../src/protocol/generated/apis.ts';
import { makeInitProducerIdRequest } from '../../src/protocol/generated/initProducerId.ts';
import { ApiVersions, InitProducerId } from './support/apis.ts';
import { call, startNode } from './support/node.ts';
import type { TestNode } from './support/node.ts';
import { createTopic } from './support/work.ts';
import { DescribeTransactions, TransactionalProducer } from './transactions/support.ts';

const UNSTABLE = { 'unstable.api.versions.enable': 'true', 'transaction.state.log.num.partitions': '1', 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '10000' };

async function withNode(settings: Record<string, string>, work: (node: TestNode) => Promise<void>): Promise<void> {
  const node = await startNode({ settings: { ...UNSTABLE, ...settings } });
  await createTopic(node, 't');
  await work(node);
  await node.stop();
}

const init = (node: TestNode, fields: { enable2Pc?: boolean; keepPreparedTxn?: boolean }) =>
  call(node, InitProducerId, 6, makeInitProducerIdRequest({ transactionalId: 'tx', transactionTimeoutMs: 30_000, ...fields }));

describe('unstable versions', () => {
  it('are offered', () => withNode({}, async (node) => {
    const { apiKeys } = await call(node, ApiVersions, 3, makeApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }));
    expect(apiKeys.find(({ apiKey }) => apiKey === ApiKey.InitProducerId)).toMatchObject({ minVersion: 0, maxVersion: 6 });
  }));

  it('of features are offered by a switch of their own', async () => {
    for (const [value, maxVersion] of [['false', 30], ['true', 31]] as const) {
      const node = await startNode({ settings: { 'unstable.feature.versions.enable': value } });
      const { supportedFeatures } = await call(node, ApiVersions, 3, makeApiVersionsRequest({ clientSoftwareName: 'test', clientSoftwareVersion: '1' }));
      expect(supportedFeatures).toContainEqual({ name: 'metadata.version', minVersion: 7, maxVersion });
      await node.stop();
    }
  });

  it('begin no two-phase commit where that is off, and never go on with a prepared one', () => withNode({}, async (node) => {
    const tx = new TransactionalProducer(node, 'tx');
    expect(await tx.init()).toBe(ErrorCode.NONE);
    expect((await init(node, { enable2Pc: true })).errorCode).toBe(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    expect((await init(node, { keepPreparedTxn: true })).errorCode).toBe(ErrorCode.UNSUPPORTED_VERSION);
    expect(await init(node, {})).toMatchObject({ errorCode: ErrorCode.NONE, ongoingTxnProducerId: -1, ongoingTxnProducerEpoch: -1 });
  }));

  it.each([[true, 'Ongoing'], [false, 'CompleteAbort']])('with two-phase commit %s, a transaction of a day is %s', (enable2Pc, state) =>
    withNode({ 'transaction.two.phase.commit.enable': 'true' }, async (node) => {
      const tx = new TransactionalProducer(node, 'tx');
      expect(await tx.init()).toBe(ErrorCode.NONE);
      const { errorCode, producerId, producerEpoch } = await init(node, { enable2Pc });
      expect(errorCode).toBe(ErrorCode.NONE);
      tx.identity = { producerId, producerEpoch };
      expect(await tx.produce('t', 0, ['a'])).toBe(ErrorCode.NONE);
      await node.ports.clock.advance(86_400_000);
      expect((await call(node, DescribeTransactions, 0, { transactionalIds: ['tx'] })).transactionStates[0]!.transactionState).toBe(state);
    }));
});

import { describe, expect, it } from 'vitest';
import { supportedFeatures } from '../../../src/broker/features.ts';
import { ConfigOperation, ConfigResourceType } from '../../../src/metadata/types.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { NODE_ID, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';

const KEY = 'min.insync.replicas';
const turn = ({ metadata }: TestNode, level: number, upgradeType: number) => metadata.controller.updateFeatures(supportedFeatures, [{ name: 'eligible.leader.replicas.version', level, upgradeType }], false);
const alter = ({ metadata }: TestNode, name: string, value: string | null) =>
  metadata.controller.incrementalAlterConfigs(ConfigResourceType.broker, name, [{ key: KEY, value, operation: value === null ? ConfigOperation.delete : ConfigOperation.set }], false);
const settingsOf = ({ metadata }: TestNode, name: string) => Object.fromEntries(metadata.image.configsOf(ConfigResourceType.broker, name));

describe('min.insync.replicas with eligible leader replicas', () => {
  it('is one setting of all brokers', async () => {
    const node = await startNode({ settings: { [KEY]: '2' } });
    expect(await alter(node, String(NODE_ID), '1')).toMatchObject({ code: 0 });
    expect(await turn(node, 1, 1)).toMatchObject({ code: 0 });
    expect(settingsOf(node, '')).toEqual({ [KEY]: '2' });
    expect(settingsOf(node, String(NODE_ID))).toEqual({});
    expect(await alter(node, String(NODE_ID), '1')).toMatchObject({ code: ErrorCode.INVALID_CONFIG, message: 'Broker-level min.insync.replicas cannot be altered while ELR is enabled.' });
    expect(await alter(node, '', null)).toMatchObject({ code: ErrorCode.INVALID_CONFIG, message: 'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.' });
    expect(await alter(node, '', '1')).toMatchObject({ code: 0 });
    expect(await turn(node, 0, 2)).toMatchObject({ code: 0 });
    expect(await alter(node, '', null)).toMatchObject({ code: 0 });
    await node.stop();
  });
});

/** Answers are Apache Kafka 4.3's. */
import { gzipSync } from 'node:zlib';
import protobuf from 'protobufjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeMetrics } from '../../../src/broker/telemetry/otlp.ts';
import { ConfigResourceType } from '../../../src/metadata/index.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeGetTelemetrySubscriptionsRequest, readGetTelemetrySubscriptionsResponse, writeGetTelemetrySubscriptionsRequest } from '../../../src/protocol/generated/getTelemetrySubscriptions.ts';
import { makePushTelemetryRequest, readPushTelemetryResponse, writePushTelemetryRequest } from '../../../src/protocol/generated/pushTelemetry.ts';
import type { PushTelemetryRequest } from '../../../src/protocol/generated/pushTelemetry.ts';
import { DescribeConfigs, IncrementalAlterConfigs } from '../support/apis.ts';
import { call, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';

const Get = { apiKey: ApiKey.GetTelemetrySubscriptions, write: writeGetTelemetrySubscriptionsRequest, read: readGetTelemetrySubscriptionsResponse };
const Push = { apiKey: ApiKey.PushTelemetry, write: writePushTelemetryRequest, read: readPushTelemetryResponse };
const INSTANCE = 'AAAAAAAAAAAAAAAAAAAABQ';

async function alter(node: TestNode, resourceName: string, settings: Record<string, string>) {
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 }));
  const { responses } = await call(node, IncrementalAlterConfigs, 1, { resources: [{ resourceType: ConfigResourceType.clientMetrics, resourceName, configs }], validateOnly: false });
  return responses[0]!;
}

const subscribe = (node: TestNode, clientInstanceId = INSTANCE) => call(node, Get, 0, makeGetTelemetrySubscriptionsRequest({ clientInstanceId }));
const push = async (node: TestNode, fields: Partial<PushTelemetryRequest>) => (await call(node, Push, 0, makePushTelemetryRequest({ clientInstanceId: INSTANCE, ...fields }))).errorCode;

/** A push as OpenTelemetry's own encoders make it, with fields that we do not read. */
function otlp(metrics: { name: string; delta?: number; gauge?: number }[]): Buffer {
  const { root } = protobuf.parse(`syntax = "proto3";
    message MetricsData { repeated ResourceMetrics resource_metrics = 1; }
    message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
    message Resource { repeated KeyValue attributes = 1; }
    message ScopeMetrics { repeated Metric metrics = 2; }
    message Metric { string name = 1; string unit = 3; Gauge gauge = 5; Sum sum = 7; }
    message Gauge { repeated Point data_points = 1; }
    message Sum { repeated Point data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
    message Point { fixed64 time_unix_nano = 3; double as_double = 4; sfixed64 as_int = 6; repeated KeyValue attributes = 7; }
    message KeyValue { string key = 1; AnyValue value = 2; }
    message AnyValue { string string_value = 1; }`, { keepCase: false });
  const point = (value: object) => [{ timeUnixNano: 5, ...value, attributes: [{ key: 'node_id', value: { stringValue: '1' } }] }];
  const type = root.lookupType('MetricsData');
  const list = metrics.map(({ name, delta, gauge }) => (delta === undefined
    ? { name, unit: 'x', gauge: { dataPoints: point({ asDouble: gauge }) } }
    : { name, sum: { dataPoints: point({ asInt: delta }), aggregationTemporality: 1, isMonotonic: true } }));
  return Buffer.from(type.encode(type.fromObject({ resourceMetrics: [{ schemaUrl: 'u', resource: { attributes: [] }, scopeMetrics: [{ metrics: list }] }] })).finish());
}

describe('subscriptions to client metrics', () => {
  it('are settings, checked in Kafka\'s words', async () => {
    const node = await startNode();
    const invalid = (errorMessage: string) => ({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage });
    expect(await alter(node, '', { 'interval.ms': '1000' })).toMatchObject(invalid("Subscription name can't be empty"));
    expect(await alter(node, 's', { foo: '1' })).toMatchObject(invalid('Unknown client metrics configuration: foo'));
    expect(await alter(node, 's', { 'interval.ms': '10' })).toMatchObject(invalid('Invalid value 10 for interval.ms, interval must be between 100 and 3600000 (1 hour)'));
    for (const match of ['x', 'x=y', 'client_id=[a']) {
      expect(await alter(node, 's', { match })).toMatchObject({ errorCode: ErrorCode.INVALID_CONFIG, errorMessage: `Illegal client matching pattern: ${match}` });
    }
    expect(await alter(node, 's', { 'interval.ms': '100', metrics: 'a.,b.', match: 'client_id=t.*' })).toMatchObject({ errorCode: 0 });
    const resource = { resourceType: ConfigResourceType.clientMetrics, resourceName: 's', configurationKeys: null };
    const { results } = await call(node, DescribeConfigs, 4, { resources: [resource], includeSynonyms: true, includeDocumentation: false });
    expect(results[0]!.configs).toMatchObject([
      { name: 'interval.ms', value: '100', configSource: 7 }, { name: 'match', value: 'client_id=t.*', configSource: 7 }, { name: 'metrics', value: 'a.,b.', configSource: 7 },
    ]);
    await node.stop();
  });

  it('reach the clients that they mean', async () => {
    const node = await startNode();
    expect(await subscribe(node)).toMatchObject({ errorCode: 0, clientInstanceId: INSTANCE, pushIntervalMs: 300_000, requestedMetrics: [], acceptedCompressionTypes: [4, 3, 1, 2], deltaTemporality: true });
    await alter(node, 'mine', { 'interval.ms': '5000', metrics: 'b.,a.', match: `client_instance_id=${INSTANCE}` });
    await alter(node, 'none', { 'interval.ms': '200', metrics: 'c.', match: 'client_id=somebody-else' });
    const mine = await subscribe(node);
    expect(mine).toMatchObject({ errorCode: 0, pushIntervalMs: 5000, requestedMetrics: ['a.', 'b.'] });
    expect(await subscribe(node)).toMatchObject({ errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED });
    await node.ports.clock.advance(5000);
    expect(await subscribe(node)).toMatchObject({ errorCode: 0, subscriptionId: mine.subscriptionId });
    const fresh = await subscribe(node, 'AAAAAAAAAAAAAAAAAAAAAA');
    expect(fresh.clientInstanceId).not.toBe('AAAAAAAAAAAAAAAAAAAAAA');
    expect(fresh).toMatchObject({ requestedMetrics: [] });
    await node.stop();
  });
});

describe('pushed metrics', () => {
  // The library is loaded with the first push, which takes longer than a request on a fake clock.
  beforeAll(() => decodeMetrics(Buffer.alloc(0), 1));

  it('are kept by client: the newest of a gauge, the sum of what was added', async () => {
    const node = await startNode();
    await alter(node, 's', { 'interval.ms': '100', metrics: '*' });
    const { subscriptionId } = await subscribe(node);
    expect(await push(node, { subscriptionId, metrics: otlp([{ name: 'a.total', delta: 5 }, { name: 'a.now', gauge: 1.5 }]) })).toBe(0);
    expect(await push(node, { subscriptionId })).toBe(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    await node.ports.clock.advance(100);
    expect(await push(node, { subscriptionId, compressionType: 1, metrics: gzipSync(otlp([{ name: 'a.total', delta: 3 }, { name: 'a.now', gauge: 0.5 }])) })).toBe(0);
    const samples = [...node.broker.services.telemetry.samples()];
    expect(samples.map(({ name, value }) => [name, value])).toEqual([['a.total', 8], ['a.now', 0.5]]);
    expect(samples[0]!.labels).toMatchObject({ node_id: '1', client_instance_id: INSTANCE });
    await node.ports.clock.advance(1000);
    expect([...node.broker.services.telemetry.samples()]).toEqual([]);
    await node.stop();
  });

  it('that are not as agreed are refused', async () => {
    const node = await startNode({ settings: { 'telemetry.max.bytes': '1000' } });
    await alter(node, 's', { 'interval.ms': '100', metrics: '*' });
    expect(await push(node, { subscriptionId: 3 })).toBe(ErrorCode.UNKNOWN_SUBSCRIPTION_ID);
    const { subscriptionId } = await subscribe(node);
    expect(await push(node, { subscriptionId, clientInstanceId: 'AAAAAAAAAAAAAAAAAAAAAA' })).toBe(ErrorCode.INVALID_REQUEST);
    const next = () => node.ports.clock.advance(100);
    expect(await push(node, { subscriptionId, metrics: Buffer.alloc(1001) })).toBe(ErrorCode.TELEMETRY_TOO_LARGE);
    await next();
    expect(await push(node, { subscriptionId, compressionType: 9 })).toBe(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE);
    await next();
    expect(await push(node, { subscriptionId, metrics: Buffer.from('\xff\xff\xff\xff garbage', 'latin1') })).toBe(ErrorCode.INVALID_RECORD);
    await next();
    expect(await push(node, { subscriptionId, compressionType: 1, metrics: gzipSync(Buffer.alloc(1_000_000)).subarray(0, 990) })).toBe(ErrorCode.INVALID_RECORD);
    expect(await push(node, { subscriptionId, terminating: true })).toBe(0);
    expect(await push(node, { subscriptionId, terminating: true })).toBe(ErrorCode.INVALID_REQUEST);
    await node.stop();
  });
});

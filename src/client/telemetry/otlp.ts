/** The part of OpenTelemetry's metrics (OTLP, protobuf) in which clients tell numbers to brokers (KIP-714). */
import type { Type } from 'protobufjs';

export interface ClientMetric {
  readonly name: string;
  readonly value: number;
  /** A count that only grows, as its whole since the start; else a value of the moment. */
  readonly isTotal: boolean;
}

const DELTA = 1;
const CUMULATIVE = 2;
const NS_PER_MS = 1_000_000n;

/** Field numbers of opentelemetry/proto/metrics/v1. */
const MESSAGES = {
  nested: {
    MetricsData: { fields: { resourceMetrics: { rule: 'repeated', type: 'ResourceMetrics', id: 1 } } },
    ResourceMetrics: { fields: { scopeMetrics: { rule: 'repeated', type: 'ScopeMetrics', id: 2 } } },
    ScopeMetrics: { fields: { metrics: { rule: 'repeated', type: 'Metric', id: 2 } } },
    Metric: { fields: { name: { type: 'string', id: 1 }, gauge: { type: 'Gauge', id: 5 }, sum: { type: 'Sum', id: 7 } } },
    Gauge: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 } } },
    Sum: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 }, aggregationTemporality: { type: 'int32', id: 2 }, isMonotonic: { type: 'bool', id: 3 } } },
    NumberDataPoint: {
      // one of several: a zero is told, too
      oneofs: { value: { oneof: ['asDouble', 'asInt'] } },
      fields: { startTimeUnixNano: { type: 'fixed64', id: 2 }, timeUnixNano: { type: 'fixed64', id: 3 }, asDouble: { type: 'double', id: 4 }, asInt: { type: 'sfixed64', id: 6 } },
    },
  },
};

let metricsData: Type | null = null;

/** Loaded with the first push. */
async function messageType(): Promise<Type> {
  if (metricsData === null) {
    const { default: protobuf } = await import('protobufjs/light.js');
    metricsData = protobuf.Root.fromJSON(MESSAGES).lookupType('MetricsData');
  }
  return metricsData;
}

export interface MetricsWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** Totals of the push before, by name, where the broker wants differences; null: it wants wholes. */
  readonly before: ReadonlyMap<string, number> | null;
}

/** A MetricsData message. */
export async function encodeMetrics(metrics: readonly ClientMetric[], { startMs, endMs, before }: MetricsWindow): Promise<Buffer> {
  const type = await messageType();
  const times = { startTimeUnixNano: fixed64(startMs), timeUnixNano: fixed64(endMs) };
  const encoded = metrics.map(({ name, value, isTotal }) => {
    const dataPoints = [{ ...times, asDouble: isTotal && before !== null ? value - (before.get(name) ?? 0) : value }];
    return isTotal ? { name, sum: { dataPoints, aggregationTemporality: before === null ? CUMULATIVE : DELTA, isMonotonic: true } } : { name, gauge: { dataPoints } };
  });
  return Buffer.from(type.encode({ resourceMetrics: [{ scopeMetrics: [{ metrics: encoded }] }] }).finish());
}

/** 64 bits as protobufjs takes them without a library for long integers. */
function fixed64(timeMs: number): { readonly low: number; readonly high: number; readonly unsigned: boolean } {
  const ns = BigInt(Math.round(timeMs)) * NS_PER_MS;
  return { low: Number(BigInt.asIntN(32, ns)), high: Number(BigInt.asIntN(32, ns >> 32n)), unsigned: true };
}

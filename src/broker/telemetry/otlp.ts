/** The part of OpenTelemetry's metrics (OTLP, protobuf) that Kafka's clients push: numbers, as gauges and sums. */
import type { Type } from 'protobufjs';

export interface PushedPoint {
  readonly name: string;
  readonly value: number;
  /** A sum that is told as what was added since the push before. */
  readonly isDelta: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Field numbers of opentelemetry/proto/metrics/v1. Fields that are left out are skipped, as protobuf has it. */
const MESSAGES = {
  nested: {
    MetricsData: { fields: { resourceMetrics: { rule: 'repeated', type: 'ResourceMetrics', id: 1 } } },
    ResourceMetrics: { fields: { scopeMetrics: { rule: 'repeated', type: 'ScopeMetrics', id: 2 } } },
    ScopeMetrics: { fields: { metrics: { rule: 'repeated', type: 'Metric', id: 2 } } },
    Metric: { fields: { name: { type: 'string', id: 1 }, gauge: { type: 'Gauge', id: 5 }, sum: { type: 'Sum', id: 7 } } },
    Gauge: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 } } },
    Sum: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 }, aggregationTemporality: { type: 'int32', id: 2 } } },
    NumberDataPoint: {
      // One of several: a zero is a value, too.
      oneofs: { value: { oneof: ['asDouble', 'asInt'] } },
      fields: { asDouble: { type: 'double', id: 4 }, asInt: { type: 'sfixed64', id: 6 }, attributes: { rule: 'repeated', type: 'KeyValue', id: 7 } },
    },
    KeyValue: { fields: { key: { type: 'string', id: 1 }, value: { type: 'AnyValue', id: 2 } } },
    AnyValue: { fields: { stringValue: { type: 'string', id: 1 }, boolValue: { type: 'bool', id: 2 }, intValue: { type: 'int64', id: 3 }, doubleValue: { type: 'double', id: 4 } } },
  },
};

const DELTA = 1;

interface DataPoint {
  readonly asDouble?: number;
  readonly asInt?: number;
  readonly attributes?: readonly { readonly key: string; readonly value?: Readonly<Record<string, unknown>> }[];
}

interface Metric {
  readonly name: string;
  readonly gauge?: { readonly dataPoints?: readonly DataPoint[] };
  readonly sum?: { readonly dataPoints?: readonly DataPoint[]; readonly aggregationTemporality?: number };
}

interface Content {
  readonly resourceMetrics?: readonly { readonly scopeMetrics?: readonly { readonly metrics?: readonly Metric[] }[] }[];
}

let metricsData: Type | null = null;

/** Loaded with the first push. */
async function messageType(): Promise<Type> {
  if (metricsData === null) {
    const { default: protobuf } = await import('protobufjs/light.js');
    metricsData = protobuf.Root.fromJSON(MESSAGES).lookupType('MetricsData');
  }
  return metricsData;
}

/** Up to `pointsMax` points. Throws an Error when the bytes are no such message. */
export async function decodeMetrics(bytes: Uint8Array, pointsMax: number): Promise<PushedPoint[]> {
  const type = await messageType();
  const content = type.toObject(type.decode(bytes), { longs: Number }) as Content;
  const points: PushedPoint[] = [];
  for (const { scopeMetrics = [] } of content.resourceMetrics ?? []) {
    for (const { metrics = [] } of scopeMetrics) {
      for (const metric of metrics) takePoints(metric, points, pointsMax);
    }
  }
  return points;
}

function takePoints(metric: Metric, points: PushedPoint[], pointsMax: number): void {
  const isDelta = metric.sum?.aggregationTemporality === DELTA;
  for (const point of metric.gauge?.dataPoints ?? metric.sum?.dataPoints ?? []) {
    const value = point.asDouble ?? point.asInt;
    if (value === undefined || points.length >= pointsMax) continue;
    points.push({ name: metric.name, value, isDelta, attributes: attributesOf(point) });
  }
}

function attributesOf({ attributes = [] }: DataPoint): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value = {} }) => [key, String(Object.values(value)[0] ?? '')]));
}

/** The part of OpenTelemetry's metrics (OTLP, protobuf) in which Kafka's clients tell numbers to brokers (KIP-714). */
import type { Type } from 'protobufjs';

export const AggregationTemporality = { delta: 1, cumulative: 2 } as const;

/** Field numbers of opentelemetry/proto/metrics/v1. Fields that are left out are skipped, as protobuf has it. */
const MESSAGES = {
  nested: {
    MetricsData: { fields: { resourceMetrics: { rule: 'repeated', type: 'ResourceMetrics', id: 1 } } },
    ResourceMetrics: { fields: { scopeMetrics: { rule: 'repeated', type: 'ScopeMetrics', id: 2 } } },
    ScopeMetrics: { fields: { metrics: { rule: 'repeated', type: 'Metric', id: 2 } } },
    Metric: { fields: { name: { type: 'string', id: 1 }, gauge: { type: 'Gauge', id: 5 }, sum: { type: 'Sum', id: 7 } } },
    Gauge: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 } } },
    Sum: { fields: { dataPoints: { rule: 'repeated', type: 'NumberDataPoint', id: 1 }, aggregationTemporality: { type: 'int32', id: 2 }, isMonotonic: { type: 'bool', id: 3 } } },
    NumberDataPoint: {
      // One of several: a zero is a value, too.
      oneofs: { value: { oneof: ['asDouble', 'asInt'] } },
      fields: {
        startTimeUnixNano: { type: 'fixed64', id: 2 }, timeUnixNano: { type: 'fixed64', id: 3 }, asDouble: { type: 'double', id: 4 }, asInt: { type: 'sfixed64', id: 6 }, attributes: { rule: 'repeated', type: 'KeyValue', id: 7 },
      },
    },
    KeyValue: { fields: { key: { type: 'string', id: 1 }, value: { type: 'AnyValue', id: 2 } } },
    AnyValue: { fields: { stringValue: { type: 'string', id: 1 }, boolValue: { type: 'bool', id: 2 }, intValue: { type: 'int64', id: 3 }, doubleValue: { type: 'double', id: 4 } } },
  },
};

let metricsData: Type | null = null;

/** MetricsData. Loaded with the first push. */
export async function metricsDataType(): Promise<Type> {
  if (metricsData === null) {
    const { default: protobuf } = await import('protobufjs/light.js');
    metricsData = protobuf.Root.fromJSON(MESSAGES).lookupType('MetricsData');
  }
  return metricsData;
}

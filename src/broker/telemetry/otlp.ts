/** The part of OpenTelemetry's metrics (OTLP, protobuf) that Kafka's clients push: numbers, as gauges and sums. */
import { AggregationTemporality, metricsDataType } from '../../protocol/otlp.ts';

export interface PushedPoint {
  readonly name: string;
  readonly value: number;
  /** A sum that is told as what was added since the push before. */
  readonly isDelta: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

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

/** Up to `pointsMax` points. Throws an Error when the bytes are no such message. */
export async function decodeMetrics(bytes: Uint8Array, pointsMax: number): Promise<PushedPoint[]> {
  const type = await metricsDataType();
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
  const isDelta = metric.sum?.aggregationTemporality === AggregationTemporality.delta;
  for (const point of metric.gauge?.dataPoints ?? metric.sum?.dataPoints ?? []) {
    const value = point.asDouble ?? point.asInt;
    if (value === undefined || points.length >= pointsMax) continue;
    points.push({ name: metric.name, value, isDelta, attributes: attributesOf(point) });
  }
}

function attributesOf({ attributes = [] }: DataPoint): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value = {} }) => [key, String(Object.values(value)[0] ?? '')]));
}

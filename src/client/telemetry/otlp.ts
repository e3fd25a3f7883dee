/** The part of OpenTelemetry's metrics (OTLP, protobuf) in which clients tell numbers to brokers (KIP-714). */
import { AggregationTemporality, metricsDataType } from '../../protocol/otlp.ts';

export interface ClientMetric {
  readonly name: string;
  readonly value: number;
  /** A count that only grows, as its whole since the start; else a value of the moment. */
  readonly isTotal: boolean;
}

const NS_PER_MS = 1_000_000n;

export interface MetricsWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** Totals of the push before, by name, where the broker wants differences; null: it wants wholes. */
  readonly before: ReadonlyMap<string, number> | null;
}

/** A MetricsData message. */
export async function encodeMetrics(metrics: readonly ClientMetric[], { startMs, endMs, before }: MetricsWindow): Promise<Buffer> {
  const type = await metricsDataType();
  const times = { startTimeUnixNano: fixed64(startMs), timeUnixNano: fixed64(endMs) };
  const encoded = metrics.map(({ name, value, isTotal }) => {
    const dataPoints = [{ ...times, asDouble: isTotal && before !== null ? value - (before.get(name) ?? 0) : value }];
    return isTotal ? { name, sum: { dataPoints, aggregationTemporality: before === null ? AggregationTemporality.cumulative : AggregationTemporality.delta, isMonotonic: true } } : { name, gauge: { dataPoints } };
  });
  return Buffer.from(type.encode({ resourceMetrics: [{ scopeMetrics: [{ metrics: encoded }] }] }).finish());
}

/** 64 bits as protobufjs takes them without a library for long integers. */
function fixed64(timeMs: number): { readonly low: number; readonly high: number; readonly unsigned: boolean } {
  const ns = BigInt(Math.round(timeMs)) * NS_PER_MS;
  return { low: Number(BigInt.asIntN(32, ns)), high: Number(BigInt.asIntN(32, ns >> 32n)), unsigned: true };
}

/** Where OpenTelemetry, or anything like it, meets the client. */
import type { RecordHeader } from '../../record/iterate.ts';

export interface SentRecord {
  readonly topic: string;
  readonly partition: number | null;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

export interface ReceivedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly headers: readonly RecordHeader[];
}

export interface SendSpan {
  /** Go out with the record, after its own: the W3C `traceparent` and what else there is. */
  readonly headers: readonly RecordHeader[];
  /** Once, when the record is delivered or lost. */
  end(error: Error | null): void;
}

/** Absent methods cost nothing. */
export interface ClientTracer {
  onSend?(record: SentRecord): SendSpan | null;
  /** Runs the application's handler, in the context that the record's headers carry. */
  onProcess?<T>(record: ReceivedRecord, groupId: string | null, run: () => Promise<T>): Promise<T>;
}

/** The part of `@opentelemetry/api` that is used, so that the package is not needed. */
export interface OpenTelemetryApi {
  readonly trace: { getTracer(name: string, version?: string): OpenTelemetryTracer; setSpan(context: unknown, span: OpenTelemetrySpan): unknown };
  readonly context: { active(): unknown; with<T>(context: unknown, run: () => T): T };
  readonly propagation: {
    inject(context: unknown, carrier: Record<string, string>): void;
    extract(context: unknown, carrier: Record<string, string>): unknown;
  };
}

interface OpenTelemetrySpan {
  recordException(error: Error): void;
  setStatus(status: { code: number; message?: string }): void;
  end(): void;
}

interface OpenTelemetryTracer {
  startSpan(name: string, options: { kind: number; attributes: Record<string, string | number> }, context?: unknown): OpenTelemetrySpan;
}

const SpanKind = { producer: 3, consumer: 4 } as const;
const STATUS_ERROR = 2;

/** Spans by OpenTelemetry's conventions for messaging: `openTelemetryTracer(await import('@opentelemetry/api'))`. */
export function openTelemetryTracer({ trace, context, propagation }: OpenTelemetryApi): ClientTracer {
  const tracer = trace.getTracer('tidelog');
  const finish = (span: OpenTelemetrySpan, error: Error | null): void => {
    if (error !== null) {
      span.recordException(error);
      span.setStatus({ code: STATUS_ERROR, message: error.message });
    }
    span.end();
  };
  return {
    onSend({ topic, keyBytes, valueBytes }) {
      const attributes = { 'messaging.system': 'kafka', 'messaging.operation.type': 'send', 'messaging.destination.name': topic, 'messaging.message.body.size': Math.max(valueBytes, 0), 'messaging.kafka.message.key.size': Math.max(keyBytes, 0) };
      const span = tracer.startSpan(`send ${topic}`, { kind: SpanKind.producer, attributes });
      const carrier: Record<string, string> = {};
      propagation.inject(trace.setSpan(context.active(), span), carrier);
      return { headers: Object.entries(carrier).map(([key, value]) => ({ key, value: Buffer.from(value) })), end: (error) => finish(span, error) };
    },
    async onProcess({ topic, partition, offset, headers }, groupId, run) {
      const carrier: Record<string, string> = {};
      for (const { key, value } of headers) if (value !== null) carrier[key] = Buffer.from(value).toString();
      const parent = propagation.extract(context.active(), carrier);
      const attributes = { 'messaging.system': 'kafka', 'messaging.operation.type': 'process', 'messaging.destination.name': topic, 'messaging.destination.partition.id': String(partition), 'messaging.kafka.offset': offset, ...(groupId === null ? {} : { 'messaging.consumer.group.name': groupId }) };
      const span = tracer.startSpan(`process ${topic}`, { kind: SpanKind.consumer, attributes }, parent);
      try {
        const result = await context.with(trace.setSpan(parent, span), run);
        finish(span, null);
        return result;
      } catch (error) {
        finish(span, error as Error);
        throw error;
      }
    },
  };
}

import { ErrorCode, errorSpecs } from './generated/errors.ts';
import type { ErrorSpec } from './generated/errors.ts';

const FIRST_CODE = -1;

/** What is known about a code. A code of a future release counts as an unknown server error, under its own number. */
export function errorSpec(code: number): ErrorSpec {
  return errorSpecs[code - FIRST_CODE] ?? { code, name: `UNKNOWN_ERROR_${code}`, retriable: false, refreshMetadata: false };
}

/** Kafka's name of a code. */
export function errorName(code: number): string {
  return errorSpec(code).name;
}

/** Whether the same request may succeed later. */
export function isRetriable(code: number): boolean {
  return errorSpec(code).retriable;
}

/** Of every copy of the class in a process: `tidelog/testing` is a bundle of its own. */
const IS_KAFKA_ERROR = Symbol.for('tidelog.KafkaError');

/** An error that the protocol has a code for: what a broker answers, or what a client was answered. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly code: number;
  /** Kafka's name of the code, as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly codeName: string;
  readonly retriable: boolean;
  readonly refreshMetadata: boolean;
  readonly [IS_KAFKA_ERROR]: true = true;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && IS_KAFKA_ERROR in value;
  }

  constructor(code: number, message?: string | null) {
    const spec = errorSpec(code);
    super(message === undefined || message === null || message === '' ? spec.name : `${spec.name}: ${message}`);
    this.code = code;
    this.codeName = spec.name;
    this.retriable = spec.retriable;
    this.refreshMetadata = spec.refreshMetadata;
  }
}

/** Raises a code that is not NONE. */
export function throwOnError(code: number, message?: string | null): void {
  if (code !== ErrorCode.NONE) throw new KafkaError(code, message);
}

export { ErrorCode };

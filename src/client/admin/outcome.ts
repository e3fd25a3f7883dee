import type { ClientError } from '../core/clientError.ts';
import type { KafkaError } from '../../protocol/errors.ts';

/** What became of one of several things asked for at once. */
export type Outcome<V> = { readonly value: V; readonly error?: undefined } | { readonly error: KafkaError | ClientError; readonly value?: undefined };

/** Throws the error, if there is one. */
export function valueOf<V>(outcome: Outcome<V> | undefined): V {
  if (outcome === undefined) throw new RangeError('this was not asked for');
  if (outcome.error !== undefined) throw outcome.error;
  return outcome.value as V;
}

/** The values by key. Throws the first error. */
export function valuesOf<K, V>(outcomes: ReadonlyMap<K, Outcome<V>>): Map<K, V> {
  return new Map([...outcomes].map(([key, outcome]) => [key, valueOf(outcome)]));
}

/** Throws the first error. */
export function throwFirst(outcomes: ReadonlyMap<unknown, Outcome<unknown>>): void {
  for (const outcome of outcomes.values()) if (outcome.error !== undefined) throw outcome.error;
}

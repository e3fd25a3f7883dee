/** Spans of APIs for handlers: what Kafka serves, from the generated table. */
import { definite } from '../base/assert.ts';
import { apiSpec } from '../protocol/framing.ts';

export interface HandlerSpan {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export function spanOf(apiKey: number): HandlerSpan {
  const spec = definite(apiSpec(apiKey), `API ${apiKey}`);
  return { apiKey, name: spec.name, minVersion: spec.min, maxVersion: spec.max };
}

/** What all calls on several keys share: who is asked about which key, and what is asked again. */
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { isRetriableError } from '../core/wait.ts';
import type { Outcome } from './outcome.ts';

export interface Place<K> {
  readonly connect: () => Promise<BrokerConnection>;
  /** null: whichever broker answers. */
  readonly brokerId: number | null;
  readonly keys: readonly K[];
}

/** Where keys are asked for. */
export interface Route<K> {
  /** Every key in one place, or in `failed`. */
  place(keys: readonly K[], failed: Map<K, Outcome<never>>): Promise<readonly Place<K>[]>;
  /** The key has to be looked for anew before it is asked for again. */
  forget(keys: readonly K[]): void;
  /** A broker's answer about a key after which it is asked for again. */
  isPassing(error: KafkaError): boolean;
}

/** Asks one broker; a key without an outcome counts as unanswered. */
export type Ask<K, V> = (connection: BrokerConnection, keys: readonly K[], brokerId: number | null) => Promise<ReadonlyMap<K, Outcome<V>>>;

/** Asks for all keys until each has an outcome that stays, or default.api.timeout.ms is over. In the order of `keys`. Never rejects. */
export async function askForEach<K, V>(cluster: Cluster, keys: readonly K[], route: Route<K>, ask: Ask<K, V>): Promise<Map<K, Outcome<V>>> {
  const { clock, apiTimeoutMs } = cluster.options;
  const deadlineMs = clock.monotonicMs() + apiTimeoutMs;
  const backoff = cluster.backoff();
  const outcomes = new Map<K, Outcome<V>>(keys.map((key) => [key, unanswered]));
  let pending: readonly K[] = [...outcomes.keys()];
  while (pending.length > 0) {
    for (const [key, outcome] of await askOnce(pending, route, ask)) outcomes.set(key, outcome);
    pending = pending.filter((key) => mayPass(outcomes.get(key) as Outcome<V>, route));
    const delayMs = backoff.next();
    if (pending.length === 0 || cluster.isClosed || clock.monotonicMs() + delayMs > deadlineMs) break;
    route.forget(pending);
    await cluster.pause(delayMs);
  }
  return outcomes;
}

const unanswered: Outcome<never> = { error: new ClientError('INVALID_RESPONSE', 'the broker did not answer for all that was asked') };

function mayPass(outcome: Outcome<unknown>, route: Pick<Route<never>, 'isPassing'>): boolean {
  if (outcome.error === undefined) return false;
  return outcome.error instanceof KafkaError ? route.isPassing(outcome.error) : outcome.error.retriable;
}

async function askOnce<K, V>(keys: readonly K[], route: Route<K>, ask: Ask<K, V>): Promise<Map<K, Outcome<V>>> {
  const failed = new Map<K, Outcome<never>>();
  const answered = new Map<K, Outcome<V>>();
  let places: readonly Place<K>[];
  try {
    places = await route.place(keys, failed);
  } catch (error) {
    return failAll(keys, error);
  }
  await Promise.all(places.map(async (place) => {
    let answers: ReadonlyMap<K, Outcome<V>>;
    try {
      answers = await ask(await place.connect(), place.keys, place.brokerId);
    } catch (error) {
      answers = failAll(place.keys, error);
    }
    for (const key of place.keys) answered.set(key, answers.get(key) ?? unanswered);
  }));
  for (const [key, outcome] of failed) answered.set(key, outcome);
  return answered;
}

/** A failure of the way to a broker passes by the client's own rules; defects of ours are thrown. */
function failAll<K>(keys: readonly K[], error: unknown): Map<K, Outcome<never>> {
  if (error instanceof KafkaError && isRetriableError(error)) return failAll(keys, new ClientError('CONNECTION_CLOSED', error.message));
  if (!(error instanceof ClientError) && !(error instanceof KafkaError)) throw error;
  return new Map(keys.map((key) => [key, { error }]));
}

export function failure(code: number, message?: string | null): Outcome<never> {
  return { error: new KafkaError(code, message) };
}

/** The error for a code that is not NONE, else the value. */
export function outcomeOf<V>(code: number, message: string | null | undefined, value: V): Outcome<V> {
  return code === ErrorCode.NONE ? { value } : failure(code, message);
}

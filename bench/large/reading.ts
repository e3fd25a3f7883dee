/** A consumer of the large topic. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastOffsetOf, nextBatch } from '../../src/record/batchHeader.ts';
import { fetch, fetchRequest } from '../broker/load/calls.ts';
import { LoadConnection } from '../broker/load/connection.ts';
import { TOPIC } from './segments.ts';

const POLL_MS = 2;

interface Address {
  readonly host: string;
  readonly port: number;
}

interface Fetched {
  readonly bytes: number;
  readonly nextOffset: number;
}

async function fetchOnce(connection: LoadConnection, offset: number): Promise<Fetched> {
  const answer = await connection.call(fetch, fetchRequest(TOPIC, 0, offset));
  const data = answer.responses[0]?.partitions[0];
  const error = answer.errorCode !== 0 ? answer.errorCode : data?.errorCode;
  if (data === undefined || error !== 0) throw new Error(`Fetch failed with error code ${error ?? 'none, without data'}`);
  const records = data.records as Buffer | null;
  let bytes = 0;
  let nextOffset = offset;
  if (records !== null) {
    for (let next = nextBatch(records, 0); next !== -1; next = nextBatch(records, bytes)) {
      nextOffset = lastOffsetOf(records, bytes) + 1;
      bytes = next;
    }
  }
  return { bytes, nextOffset };
}

/** Resolves with performance.now() of the first record of the topic, asked for until a broker that may still be starting gives it. */
export async function untilFirstRecord({ host, port }: Address, timeoutMs: number, failure: () => string | null): Promise<number> {
  const end = performance.now() + timeoutMs;
  let last = 'no connection';
  while (performance.now() < end) {
    const ended = failure();
    if (ended !== null) throw new Error(`the broker did not start: ${ended}`);
    let connection: LoadConnection | null = null;
    try {
      connection = await LoadConnection.open(host, port);
      if ((await fetchOnce(connection, 0)).bytes > 0) return performance.now();
    } catch (error) {
      last = (error as Error).message;
    } finally {
      connection?.close();
    }
    await sleep(POLL_MS);
  }
  throw new Error(`no record was fetched: ${last}`);
}

/** Reads the topic from its start, one fetch at a time, until it has all of it or is stopped. */
export class Reader {
  bytes = 0;
  readonly startedAt = performance.now();
  endedAt = 0;
  readonly done: Promise<void>;
  #isStopped = false;

  constructor(address: Address) {
    this.done = this.#read(address);
    // Whoever waits for it hears of it.
    this.done.catch(() => {});
  }

  async #read({ host, port }: Address): Promise<void> {
    const connection = await LoadConnection.open(host, port);
    try {
      for (let offset = 0; !this.#isStopped; ) {
        const { bytes, nextOffset } = await fetchOnce(connection, offset);
        if (nextOffset === offset) break;
        this.bytes += bytes;
        offset = nextOffset;
      }
    } finally {
      connection.close();
      this.endedAt = performance.now();
    }
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.done;
  }
}

import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makePartitionProduceData, makeProduceRequest, makeTopicProduceData, readProduceResponse, writeProduceRequest, type PartitionProduceResponse, type ProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts';
import { ClientError } from '../core/clientError.ts';
import type { BrokerConnection } from '../core/connection.ts';
import type { BatchEncoder } from './batch.ts';
import type { ProducerOptions } from './producerOptions.ts';

/** Version 12 is the last one that names topics instead of ids. */
export const produceApi = { apiKey: ApiKey.Produce, versionMax: 12, write: writeProduceRequest, read: readProduceResponse } as const;

export interface ProduceItem {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: Buffer;
  /** Set: `bytes` are compressed by it on their way. */
  readonly encode: BatchEncoder | null;
  /** Offset of the first record, -1 where it is not told. */
  readonly onDone: (baseOffset: number) => void;
  readonly onFailed: (error: Error) => void;
}

/** Puts the batches of several partitions that become ready in one turn into one request to their broker. */
export class ProduceCombiner {
  readonly #connection: BrokerConnection;
  readonly #options: ProducerOptions;
  readonly #version: number;
  #items: ProduceItem[] = [];
  /** The last batch that is being compressed: those behind it keep their order. */
  #encoding: Promise<void> | null = null;

  constructor(connection: BrokerConnection, options: ProducerOptions, version: number) {
    this.#connection = connection;
    this.#options = options;
    this.#version = version;
  }

  add(item: ProduceItem): void {
    if (item.encode === null && this.#encoding === null) return this.#put(item);
    const work = this.#putEncoded(item, this.#encoding).finally(() => {
      if (this.#encoding === work) this.#encoding = null;
    });
    this.#encoding = work;
  }

  async #putEncoded(item: ProduceItem, before: Promise<void> | null): Promise<void> {
    const { bytes, encode } = item;
    let encoded: Buffer | null = null;
    let failure: unknown = null;
    try {
      encoded = encode === null ? bytes : await encode(bytes);
    } catch (error) {
      failure = error;
    }
    await before;
    if (encoded === null) item.onFailed(failure as Error);
    else this.#put({ ...item, bytes: encoded });
  }

  #put(item: ProduceItem): void {
    this.#items.push(item);
    if (this.#items.length === 1) queueMicrotask(() => this.#flush());
  }

  /** One request holds one batch of a partition at most, and `max.request.size` bytes. */
  #flush(): void {
    const items = this.#items;
    this.#items = [];
    if (items.length === 1) return this.#send(items);
    let request: ProduceItem[] = [];
    let named = new Set<string>();
    let bytes = 0;
    for (const item of items) {
      const name = `${item.partition}/${item.topic}`;
      if (request.length > 0 && (named.has(name) || bytes + item.bytes.length > this.#options.requestSizeMaxBytes)) {
        this.#send(request);
        request = [];
        named = new Set();
        bytes = 0;
      }
      request.push(item);
      named.add(name);
      bytes += item.bytes.length;
    }
    this.#send(request);
  }

  #send(items: readonly ProduceItem[]): void {
    const failAll = (error: Error): void => {
      for (const { onFailed } of items) onFailed(error);
    };
    try {
      if (this.#options.acks === 0) this.#sendBlindly(items);
      else this.#connection.ask(produceApi, this.#bodyOf(items), { version: this.#version, timeoutMs: this.#options.requestTimeoutMs }, (answer) => settle(items, answer), failAll);
    } catch (error) {
      queueMicrotask(() => failAll(error as Error));
    }
  }

  #sendBlindly(items: readonly ProduceItem[]): void {
    this.#connection.sendWithoutAnswer(produceApi, this.#bodyOf(items), this.#version).then(
      () => items.forEach(({ onDone }) => onDone(-1)),
      (error: Error) => items.forEach(({ onFailed }) => onFailed(error)),
    );
  }

  #bodyOf(items: readonly ProduceItem[]): ProduceRequest {
    const { acks, requestTimeoutMs, transactionalId } = this.#options;
    const topicData = [...groupBy(items, ({ topic }) => topic)].map(([name, all]) =>
      makeTopicProduceData({ name, partitionData: all.map(({ partition, bytes }) => makePartitionProduceData({ index: partition, records: bytes })) }));
    return makeProduceRequest({ transactionalId: transactionalId ?? null, acks, timeoutMs: requestTimeoutMs, topicData });
  }
}

function settle(items: readonly ProduceItem[], answer: ProduceResponse): void {
  for (const item of items) {
    const result = resultFor(item, answer);
    if (result === undefined) item.onFailed(new ClientError('INVALID_RESPONSE', `the answer does not name ${item.topic}-${item.partition}`));
    else if (result.errorCode !== ErrorCode.NONE) item.onFailed(new KafkaError(result.errorCode, messageOf(result)));
    else item.onDone(result.baseOffset);
  }
}

function resultFor(item: ProduceItem, { responses }: ProduceResponse): PartitionProduceResponse | undefined {
  for (const { name, partitionResponses } of responses) {
    if (name !== item.topic) continue;
    for (const result of partitionResponses) if (result.index === item.partition) return result;
  }
  return undefined;
}

function messageOf({ errorMessage, recordErrors }: PartitionProduceResponse): string | null {
  const first = recordErrors[0];
  if (first === undefined) return errorMessage;
  return `${errorMessage ?? ''} (record ${first.batchIndex}${first.batchIndexErrorMessage === null ? '' : `: ${first.batchIndexErrorMessage}`})`.trim();
}

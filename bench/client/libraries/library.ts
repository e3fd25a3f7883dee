/** What the comparison needs of a client library: each does its work as its own documentation shows it. */

/** Called with how many records came and how many bytes their values have. False: enough. */
export type OnRecords = (count: number, bytes: number) => boolean;

export interface PlainRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface BenchProducer {
  /** Makes what `sendValues` takes: `count` records of one value for partition 0. */
  prepare(value: Buffer, count: number): unknown;
  sendValues(prepared: unknown): Promise<unknown>;
  sendValue(value: Buffer): Promise<unknown>;
  /** Records of text for partition 0. */
  sendRecords(records: readonly PlainRecord[]): Promise<unknown>;
  close(): Promise<void>;
}

export interface ProducerWish {
  readonly topic: string;
  readonly acks: 0 | 1;
  /** Records are sent one by one, each awaited before the next. */
  readonly isSequential: boolean;
}

export interface ConsumerWish {
  readonly topic: string;
  /** Of one fetch; 0: as the library likes it. */
  readonly maxBytes: number;
  /** 0: as the library likes it. */
  readonly waitMsMax: number;
}

export interface BenchLibrary {
  readonly name: string;
  readonly version: string;
  createTopic(topic: string, partitions: number): Promise<void>;
  producer(wish: ProducerWish): Promise<BenchProducer>;
  /** Reads all partitions from the start in the way that brings most a second. Resolves when `onRecords` has had enough. */
  consume(wish: ConsumerWish, onRecords: OnRecords): Promise<void>;
  /** The same in the way that calls the application for each record. */
  consumeSingly(wish: ConsumerWish, onRecords: OnRecords): Promise<void>;
  close(): Promise<void>;
}

/** What clients moved through a topic since this broker knows it, or through all topics since the start. */
export class Traffic {
  recordsIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  bytesRejected = 0;
  /** Partitions of requests, as Kafka counts them. */
  produceRequests = 0;
  failedProduceRequests = 0;
  fetchRequests = 0;
  failedFetchRequests = 0;
  readonly #all: Traffic | null;

  /** `all` counts along: what is deleted with a topic stays in it. */
  constructor(all: Traffic | null) {
    this.#all = all;
  }

  noteProduced(records: number, bytes: number): void {
    this.produceRequests++;
    this.recordsIn += records;
    this.bytesIn += bytes;
    this.#all?.noteProduced(records, bytes);
  }

  noteProduceFailed(bytesRejected: number): void {
    this.produceRequests++;
    this.failedProduceRequests++;
    this.bytesRejected += bytesRejected;
    this.#all?.noteProduceFailed(bytesRejected);
  }

  noteFetched(bytes: number): void {
    this.fetchRequests++;
    this.bytesOut += bytes;
    this.#all?.noteFetched(bytes);
  }

  noteFetchFailed(): void {
    this.fetchRequests++;
    this.failedFetchRequests++;
    this.#all?.noteFetchFailed();
  }
}

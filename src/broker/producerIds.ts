import type { ClusterMetadata } from '../metadata/types.ts';

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Hands out producer ids from blocks that the metadata gave to this broker alone. */
export class ProducerIds {
  readonly #metadata: ClusterMetadata;
  #next = 0;
  #end = 0;
  /** A block on its way; everyone who runs dry waits for the same one. */
  #refill: Promise<void> | null = null;

  constructor(metadata: ClusterMetadata) {
    this.#metadata = metadata;
  }

  /** A new id of epoch 0. Rejects with MetadataError. */
  async next(): Promise<ProducerIdAndEpoch> {
    while (this.#next >= this.#end) await this.#moreIds();
    return { producerId: this.#next++, producerEpoch: 0 };
  }

  #moreIds(): Promise<void> {
    this.#refill ??= this.#allocate().finally(() => {
      this.#refill = null;
    });
    return this.#refill;
  }

  async #allocate(): Promise<void> {
    const { first, count } = await this.#metadata.controller.allocateProducerIds();
    this.#next = first;
    this.#end = first + count;
  }
}

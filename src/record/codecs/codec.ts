/** What a compression codec offers; each implementation is a file beside this one and loads its library on first use. */
export interface RecordCodec {
  /** For people: library and kind. */
  readonly description: string;
  /** The compressed form, in Kafka's framing. `level` is in the codec's own range, or DEFAULT_LEVEL. */
  compress(bytes: Uint8Array, level: number): Buffer;
  /**
   * The inflated form. Never holds more than about `sizeMaxBytes` of it: throws RecordError TOO_LARGE before that, and CORRUPT_COMPRESSION
   * for bytes that the codec did not write.
   */
  inflate(bytes: Uint8Array, sizeMaxBytes: number): Buffer;
}

export const DEFAULT_LEVEL = Number.NEGATIVE_INFINITY;

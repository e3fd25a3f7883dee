/** What is known about one API. Versions run from min to max, both included. */
export interface ApiSpec {
  readonly key: number;
  readonly name: string;
  /** Served versions; `max` is -1 for an API that is not served. */
  readonly min: number;
  readonly max: number;
  /** As `max`, but for brokers that were told to offer unstable versions. */
  readonly maxUnstable: number;
  /** What ApiVersions says instead of `min`. */
  readonly advertisedMin: number;
  /** Versions for which there are readers and writers. */
  readonly codecMin: number;
  readonly codecMax: number;
  /** First version with compact encodings and tagged fields (KIP-482); Infinity when there is none. */
  readonly flexibleFrom: number;
  /** Spoken between controllers and brokers, never served on a broker's listener. */
  readonly controllerOnly: boolean;
}

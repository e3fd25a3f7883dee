/** Feature levels that this broker can work at. A feature stands here once the APIs that it promises are served. */
export interface SupportedFeature {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export const supportedFeatures: readonly SupportedFeature[] = [];

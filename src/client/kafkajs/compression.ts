export const CompressionTypes = { None: 0, GZIP: 1, Snappy: 2, LZ4: 3, ZSTD: 4 } as const;
export type CompressionTypes = (typeof CompressionTypes)[keyof typeof CompressionTypes];

/** All five are built in. What an application registers here stays readable and is not called: the bytes on the wire are the same. */
export const CompressionCodecs: Record<number, unknown> = {};

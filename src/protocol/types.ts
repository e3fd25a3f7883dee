/**
 * A 64-bit integer of the wire. A JS number whenever it is safe (|n| < 2^53); a value outside of that range passes
 * through as the raw bigint although its static type is `number`, so that no bit is lost on the way from reader to
 * writer. Whoever computes with a value that came from outside asks `isSafeOffset` or `offsetOrThrow` (offsets.ts) first.
 */
export type Int64 = number;

/** A 16-byte id as 22 characters of unpadded base64url, the form that Kafka prints. */
export type Uuid = string;

export const zeroUuid: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

/**
 * Record batches as bytes. A reader yields one Buffer, a view into the frame. A writer takes one view or a list of
 * views and sends them by reference: they must not change until the frame was sent.
 */
export type RecordBytes = Uint8Array | readonly Uint8Array[];

/** A tagged field that this version of the schemas does not know; kept so that a rewrite loses nothing. */
export interface UnknownTaggedField {
  readonly tag: number;
  readonly data: Buffer;
}

/** What a message or struct of a flexible version carries when the sender knew more than we do. */
export interface Tagged {
  unknownTaggedFields?: UnknownTaggedField[];
}

/** Stands for absent bytes; a shared, empty view. */
export const emptyBytes: Buffer = /* @__PURE__ */ Buffer.alloc(0);

/** Why a store could not be opened, or a folder could not be made. */
export type StoreErrorCode =
  /** Another process, or another store of this process, holds the directory. */
  | 'locked'
  /** The directory holds data of Apache Kafka, or of something unknown, and was not adopted. */
  | 'foreignData'
  /** Cluster id, node id or directory id differ from what was expected. */
  | 'mismatch'
  /** A later version of Tidelog wrote it. */
  | 'newer'
  /** It is a snapshot that shares its files with a store: it may be read, or copied and opened then. */
  | 'snapshot'
  /** There is no store, or no log of that name. */
  | 'notFound'
  /** A file that must be right is not; `path` names it. */
  | 'corrupt'
  /** The same partition, or the same directory id, was found twice. */
  | 'duplicate'
  /** No log directory is usable. */
  | 'offline';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly path: string;

  constructor(code: StoreErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

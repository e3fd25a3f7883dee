/**
 * The little of a file system that `FileSegment` needs. Two implementations: node:fs (portable) and memory. All but the methods that return a
 * promise are synchronous; errors are DiskError.
 */
export interface OpenFile {
  readonly path: string;
  sizeBytes(): number;
  /** Reads until `target` is full or the file ends; returns how many bytes. */
  read(target: Uint8Array, position: number): number;
  readAsync(target: Uint8Array, position: number): Promise<number>;
  /** Writes all pieces one after the other, or throws with some of them written. */
  write(pieces: readonly Uint8Array[], position: number): void;
  /** Sets the size: cuts, never grows. */
  cut(sizeBytes: number): void;
  cutAsync(sizeBytes: number): Promise<void>;
  /** The bytes and the size are on the medium when this returns; the directory entry need not be. */
  sync(): Promise<void>;
  /** The file was renamed: this is its path now. */
  movedTo(path: string): void;
  close(): void;
}

export interface FileHost {
  /** Opens, or creates where `create`. Throws ENOENT otherwise. */
  open(path: string, writable: boolean, create: boolean): OpenFile;
  exists(path: string): boolean;
  rename(from: string, to: string): void;
  /** No error when absent. */
  unlink(path: string): Promise<void>;
}

import type { DirectoryEntry, DiskError, FolderContent } from '../../base/disk.ts';
import type { NativeCore } from '../../binding/addon.ts';
import { errorFromErrno } from './nativeErrors.ts';

const ENTRY_HEAD_BYTES = 15;
const NO_FILES: ReadonlyMap<string, Buffer> = new Map();

/** Reads folders on a thread of the addon (native/port/folder.h): names, sizes and the small files that `names` asks for. */
export function readNativeFolders(core: NativeCore, paths: readonly string[], names: readonly string[], sizeMaxBytes: number): Promise<(FolderContent | DiskError)[]> {
  return new Promise((resolve, reject) => {
    const token = core.begin(() => {
      try {
        resolve(decode(Buffer.from(core.exports.foldersTake(token) ?? new ArrayBuffer(0)), paths));
      } catch (error) {
        reject(error as Error);
      }
    });
    core.exports.foldersRead(terminated(paths), terminated(names), sizeMaxBytes, token);
  });
}

/** Each piece ends with a zero byte, which no name has. */
const terminated = (pieces: readonly string[]): string => pieces.map((piece) => `${piece}\0`).join('');

/** Walks over what the addon wrote. */
class Place {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

function decode(bytes: Buffer, paths: readonly string[]): (FolderContent | DiskError)[] {
  const place = new Place(bytes);
  return paths.map((path) => {
    const errno = bytes.readInt32LE(place.at);
    place.at += 4;
    return errno === 0 ? decodeFolder(place) : errorFromErrno(errno, path, 'cannot list');
  });
}

function decodeFolder(place: Place): FolderContent {
  const { bytes } = place;
  const count = bytes.readUInt32LE(place.at);
  place.at += 4;
  const entries: DirectoryEntry[] = [];
  let files: Map<string, Buffer> | null = null;
  for (let index = 0; index < count; index += 1) {
    const start = place.at;
    const nameEnd = start + ENTRY_HEAD_BYTES + bytes.readUInt16LE(start + 1);
    const fileBytes = bytes.readInt32LE(start + 11);
    const name = bytes.toString('utf8', start + ENTRY_HEAD_BYTES, nameEnd);
    entries.push({ name, isDirectory: bytes[start] === 1, sizeBytes: bytes.readDoubleLE(start + 3) });
    if (fileBytes >= 0) (files ??= new Map()).set(name, bytes.subarray(nameEnd, nameEnd + fileBytes));
    place.at = nameEnd + Math.max(fileBytes, 0);
  }
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  return { entries, files: files ?? NO_FILES };
}

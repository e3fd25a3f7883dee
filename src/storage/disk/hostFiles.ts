import { link, open, mkdir, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryEntry } from '../../base/disk.ts';

/** A system's error as a DiskError that names the path. */
export function asDiskError(error: unknown, path: string): DiskError {
  if (error instanceof DiskError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new DiskError(code ?? 'EIO', path, message);
}

async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asDiskError(error, path);
  }
}

/** Runs `work` on an open file and closes it. */
async function withFile<T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/**
 * Whole files and folders through node:fs/promises: what the native and the portable disk have in common. Nothing here is on the path of
 * an append or a fetch.
 */
export class HostFiles {
  makeDirectory(path: string): Promise<void> {
    return naming(path, async () => void (await mkdir(path, { recursive: true })));
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return naming(path, async () => {
      const found: DirectoryEntry[] = [];
      for (const entry of await readdir(path, { withFileTypes: true })) {
        const status = await stat(join(path, entry.name)).catch(() => null);
        if (status === null) continue;
        const isDirectory = status.isDirectory();
        found.push({ name: entry.name, isDirectory, sizeBytes: isDirectory ? 0 : status.size });
      }
      return found.sort((one, other) => (one.name < other.name ? -1 : 1));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return naming(from, () => rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return naming(from, () => link(from, to));
  }

  remove(path: string): Promise<void> {
    return naming(path, () => rm(path, { recursive: true, force: true }));
  }

  syncDirectory(path: string): Promise<void> {
    return naming(path, async () => {
      // Windows has no such thing; there a rename is durable when it returns.
      if (process.platform !== 'win32') await withFile(path, 'r', (folder) => folder.sync());
    });
  }

  readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    return naming(path, async () => {
      try {
        return await withFile(path, 'r', async (file) => {
          const { size } = await file.stat();
          if (size > sizeMaxBytes) throw new DiskError('EFBIG', path, `${path} has ${size} bytes, more than the ${sizeMaxBytes} allowed`);
          return await file.readFile();
        });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    });
  }

  async writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
    await this.#replace(path, bytes, true);
    await this.syncDirectory(dirname(path));
  }

  writeFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replace(path, bytes, false);
  }

  freeBytes(path: string): Promise<number> {
    return naming(path, async () => {
      const status = await statfs(path);
      return status.bavail * status.bsize;
    });
  }

  totalBytes(path: string): Promise<number> {
    return naming(path, async () => {
      const status = await statfs(path);
      return status.blocks * status.bsize;
    });
  }

  #replace(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const temporary = `${path}.tmp`;
    return naming(path, async () => {
      try {
        await withFile(temporary, 'w', async (file) => {
          await file.writeFile(bytes);
          if (durable) await file.sync();
        });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => {});
        throw error;
      }
    });
  }
}

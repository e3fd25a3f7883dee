import { dirname, join } from 'node:path';
import { DiskError } from '../../base/disk.ts';
import type { DirectoryEntry } from '../../base/disk.ts';
import * as files from './asyncFiles.ts';

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

/**
 * Whole files and folders of the host: what the native and the portable disk have in common. Nothing here is on the path of
 * an append or a fetch.
 */
export class HostFiles {
  makeDirectory(path: string): Promise<void> {
    return naming(path, async () => void (await files.makeDirectory(path, { recursive: true })));
  }

  list(path: string): Promise<DirectoryEntry[]> {
    return naming(path, async () => {
      const found: DirectoryEntry[] = [];
      for (const entry of await files.readDirectory(path, { withFileTypes: true })) {
        const status = await files.stat(join(path, entry.name)).catch(() => null);
        if (status === null) continue;
        const isDirectory = status.isDirectory();
        found.push({ name: entry.name, isDirectory, sizeBytes: isDirectory ? 0 : status.size });
      }
      return found.sort((one, other) => (one.name < other.name ? -1 : 1));
    });
  }

  rename(from: string, to: string): Promise<void> {
    return naming(from, () => files.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return naming(from, () => files.link(from, to));
  }

  remove(path: string): Promise<void> {
    return naming(path, () => files.remove(path, { recursive: true, force: true }));
  }

  syncDirectory(path: string): Promise<void> {
    return naming(path, async () => {
      // Windows has no such thing; there a rename is durable when it returns.
      if (process.platform !== 'win32') await files.withFile(path, 'r', files.sync);
    });
  }

  readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null> {
    return naming(path, async () => {
      try {
        return await files.withFile(path, 'r', async (descriptor) => {
          const size = await files.sizeOf(descriptor);
          if (size > sizeMaxBytes) throw new DiskError('EFBIG', path, `${path} has ${size} bytes, more than the ${sizeMaxBytes} allowed`);
          return await files.readFile(descriptor);
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
      const status = await files.statFileSystem(path);
      return status.bavail * status.bsize;
    });
  }

  totalBytes(path: string): Promise<number> {
    return naming(path, async () => {
      const status = await files.statFileSystem(path);
      return status.blocks * status.bsize;
    });
  }

  #replace(path: string, bytes: Uint8Array, durable: boolean): Promise<void> {
    const temporary = `${path}.tmp`;
    return naming(path, async () => {
      try {
        await files.withFile(temporary, 'w', async (descriptor) => {
          await files.writeFile(descriptor, bytes);
          if (durable) await files.sync(descriptor);
        });
        await files.rename(temporary, path);
      } catch (error) {
        await files.remove(temporary, { force: true }).catch(() => {});
        throw error;
      }
    });
  }
}

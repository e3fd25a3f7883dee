/**
 * File systems of a test's own: small, or read-only. They live in a mount namespace that a helper process holds; when the tests end, however they end, it
 * ends too, and nothing stays mounted. Needs Linux and root, or a user who may make user namespaces.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';

export class MountNamespace {
  readonly #holder: ChildProcess;
  readonly #flags: readonly string[];

  private constructor(holder: ChildProcess, flags: readonly string[]) {
    this.#holder = holder;
    this.#flags = flags;
  }

  /** Null where it cannot be had; the caller must say so. */
  static async open(): Promise<MountNamespace | null> {
    if (process.platform !== 'linux') return null;
    for (const [unshare, enter] of [[['-m'], ['-m']], [['-r', '-m'], ['-U', '--preserve-credentials', '-m']]] as const) {
      const holder = spawn('unshare', [...unshare, 'sh', '-c', 'echo ready; exec cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
      const isReady = await new Promise<boolean>((resolve) => {
        holder.once('error', () => resolve(false));
        holder.once('exit', () => resolve(false));
        holder.stdout.once('data', () => resolve(true));
      });
      if (!isReady) continue;
      const namespace = new MountNamespace(holder, enter);
      if (namespace.#canMount()) return namespace;
      namespace.close();
    }
    return null;
  }

  /** What to put before a command that is to run inside; it replaces itself by the command. */
  get prefix(): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), ...this.#flags, '--'];
  }

  /** Over an existing folder; throws where it cannot. */
  mountMemory(folder: string, sizeKib: number, mode: 'rw' | 'ro' = 'rw'): void {
    this.run('mount', '-t', 'tmpfs', '-o', `${mode},size=${sizeKib}k,mode=700`, 'tmpfs', folder);
  }

  run(...command: string[]): string {
    const [program, ...words] = [...this.prefix, ...command] as [string, ...string[]];
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  close(): void {
    this.#holder.stdin?.end();
    this.#holder.kill();
  }

  #canMount(): boolean {
    try {
      this.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt');
      this.run('umount', '/mnt');
      return true;
    } catch {
      return false;
    }
  }
}

/** For what cannot be judged on this machine: never in silence. */
export function skipLoudly(what: string, why: string): void {
  console.warn(`NOT JUDGED HERE: ${what}: ${why}`);
}

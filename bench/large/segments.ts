/** Ten segments that every contender of the large rows gets in turn: moved into its folder and back, never copied. */
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileName, Suffix, offsetStem } from '../../src/storage/fileNames.ts';

export const TOPIC = 'large';
const PARTITION = `${TOPIC}-0`;
/** What belongs to the log and not to the cluster that it is part of. */
const isShared = (name: string): boolean => /^\d{20}\.(log|index|timeindex|snapshot)$/.test(name);
/** Each broker writes its own from then on; without the checksums of the same moment Tidelog would take the epochs for damaged, and look at everything. */
const COPIED = [FileName.leaderEpochs, FileName.checksums];

export class LargeSegments {
  /** A store of ours, whose writer was killed. */
  readonly #home: string;
  #place: string | null = null;
  #lastBase = 0;

  constructor(home: string) {
    this.#home = path.join(home, PARTITION);
    for (const name of readdirSync(this.#home)) {
      if (name.endsWith(Suffix.log)) this.#lastBase = Math.max(this.#lastBase, Number(name.slice(0, -Suffix.log.length)));
    }
  }

  get #logs(): string[] {
    const folder = this.#place ?? this.#home;
    return readdirSync(folder).filter((name) => name.endsWith(Suffix.log)).map((name) => path.join(folder, name));
  }

  get sizeBytes(): number {
    return this.#logs.reduce((total, file) => total + statSync(file).size, 0);
  }

  /** Puts the segments where the log directory `root` has the empty topic, as a kill -9 leaves them: all but the last one below the recovery point. */
  giveTo(root: string): void {
    const folder = path.join(root, PARTITION);
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) if (isShared(name)) rmSync(path.join(folder, name));
    for (const name of readdirSync(this.#home)) if (isShared(name)) renameSync(path.join(this.#home, name), path.join(folder, name));
    for (const name of COPIED) {
      rmSync(path.join(folder, name), { force: true });
      if (existsSync(path.join(this.#home, name))) copyFileSync(path.join(this.#home, name), path.join(folder, name));
    }
    this.#place = folder;
    for (const suffix of [Suffix.offsetIndex, Suffix.timeIndex]) truncateSync(path.join(folder, offsetStem(this.#lastBase) + suffix), 0);
    for (const name of readdirSync(folder)) {
      if (name.endsWith(Suffix.snapshot) && Number(name.slice(0, -Suffix.snapshot.length)) > this.#lastBase) rmSync(path.join(folder, name));
    }
    writeFileSync(path.join(root, FileName.recoveryPoints), withEntry(path.join(root, FileName.recoveryPoints), `${TOPIC} 0 ${this.#lastBase}`));
    // It does not know the recovery point that was just written.
    rmSync(path.join(root, FileName.checksums), { force: true });
    rmSync(path.join(root, FileName.cleanShutdown), { force: true });
  }

  takeBack(): void {
    const folder = this.#place;
    if (folder === null) return;
    for (const name of readdirSync(folder)) if (isShared(name)) renameSync(path.join(folder, name), path.join(this.#home, name));
    this.#place = null;
  }

  /** Onto the medium, so that it can be evicted. */
  sync(): void {
    for (const file of this.#logs) {
      const descriptor = openSync(file, 'r');
      fsyncSync(descriptor);
      closeSync(descriptor);
    }
  }

  /** Out of the page cache, but for pages that a process has mapped. Throws where that cannot be asked for. */
  evict(): void {
    for (const file of this.#logs) {
      const { status, stderr } = spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the page cache cannot be emptied: ${stderr ?? 'there is no dd'}`);
    }
  }
}

/** A checkpoint with one entry more, or another one for the topic. */
function withEntry(file: string, entry: string): string {
  let lines: string[] = [];
  try {
    lines = readFileSync(file, 'utf8').split('\n').slice(2).filter((line) => line !== '' && !line.startsWith(`${TOPIC} `));
  } catch {
    // It was killed before it wrote one.
  }
  lines.push(entry);
  return `0\n${lines.length}\n${lines.join('\n')}\n`;
}

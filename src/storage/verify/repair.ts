/**
 * Repairs a store: what is damaged is put aside first, then a full recovery cuts torn and corrupt ends, makes indexes, epochs and transaction indexes
 * anew, and stops in order.
 */
import type { Disk } from '../../base/disk.ts';
import type { Ports } from '../../base/ports.ts';
import { defaultTopicConfig } from '../../config/topicConfig.ts';
import { FileName, Suffix, segmentFileName } from '../fileNames.ts';
import { readMetaProperties } from '../metaProperties.ts';
import { createStore } from '../open.ts';
import { StoreError } from '../storeError.ts';
import type { Problem, VerifyReport } from './verify.ts';

export interface RepairOptions {
  readonly disk: Disk;
  readonly ports: Ports;
  /** Hears where damaged bytes were put. */
  readonly onAside?: (path: string) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Bytes of a damaged segment that one file takes. */
const PIECE_BYTES = 1 << 26;

/** For the problems that `verifyStore` found. Throws StoreError locked, foreignData, offline; DiskError. */
export async function repairStore(folder: string, report: VerifyReport, { disk, ports, onAside, onProgress }: RepairOptions): Promise<void> {
  const meta = await readMetaProperties(disk, folder);
  if (meta === null || meta.formatVersion === null) throw new StoreError('foreignData', folder, `${folder} is not a store of Tidelog: only those are repaired`);
  if (report.isInUse) throw new StoreError('locked', folder, `${folder} is in use: stop whoever has it open first`);
  for (const problem of report.problems) if (problem.kind === 'batch' || problem.kind === 'offsets') await putAside(disk, problem, onAside ?? (() => {}));
  for (const problem of report.problems) if (problem.kind === 'checkpoint') await disk.remove(problem.path);
  // Nothing is taken for durable: every batch is read again.
  await disk.remove(`${folder}/${FileName.cleanShutdown}`);
  await disk.remove(`${folder}/${FileName.recoveryPoints}`);
  await disk.syncDirectory(folder);
  const store = createStore({
    directories: [folder], disk, ports, nodeId: meta.nodeId, clusterId: meta.clusterId, highWatermarkFollowsEnd: true, cleaner: { enable: false },
  });
  await store.start(() => ({ ...defaultTopicConfig, retentionMs: -1, retentionBytes: -1 }), onProgress === undefined ? {} : { onProgress: (done, total) => onProgress(done, total) });
  await store.close();
}

/** The damaged segment from its first bad byte on, and the segments after it, which a recovery drops. */
async function putAside(disk: Disk, problem: Problem, onAside: (path: string) => void): Promise<void> {
  const folder = problem.path.slice(0, problem.path.lastIndexOf('/'));
  const bad = segmentFileName(problem.path.slice(folder.length + 1));
  if (bad === null) return;
  const aside = `${folder}.damaged`;
  await disk.makeDirectory(aside);
  for (const { name, sizeBytes } of await disk.list(folder)) {
    const file = segmentFileName(name);
    if (file === null || file.state !== '' || file.type !== Suffix.log || file.baseOffset < bad.baseOffset) continue;
    if (file.baseOffset === bad.baseOffset) await copyTail(disk, folder, name, file.baseOffset, Math.max(problem.position, 0), sizeBytes, aside);
    else await disk.link(`${folder}/${name}`, `${aside}/${name}`).catch(ignoreExisting);
  }
  await disk.syncDirectory(aside);
  onAside(aside);
}

async function copyTail(disk: Disk, folder: string, name: string, baseOffset: number, from: number, to: number, aside: string): Promise<void> {
  const segment = disk.openSegment({
    directory: folder, baseOffset, indexIntervalBytes: 4096, indexSizeMaxBytes: 0x7fffffff, segmentSizeMaxBytes: 0x7fffffff, preallocateBytes: 0, readOnly: true,
  });
  try {
    for (let position = from; position < to; position += PIECE_BYTES) {
      const view = segment.view(position, Math.min(PIECE_BYTES, to - position));
      await disk.writeFileAtomic(`${aside}/${name}.from-${position}`, view.bytes);
      view.release();
    }
  } finally {
    await segment.close();
  }
}

function ignoreExisting(error: unknown): void {
  if ((error as { code?: string }).code !== 'EEXIST') throw error;
}

/** The orderly end of one log directory, after which the next start has nothing to scan. */
import { cleanShutdownBytes, cleanShutdownPath } from './cleanShutdown.ts';
import { concurrently } from './concurrently.ts';
import { FILES_AT_ONCE, checkpointDirectory } from './duties.ts';
import { saveLastIndexChecksums } from './indexChecksums.ts';
import type { LogDirectory } from './logDirectory.ts';
import type { PartitionLog } from './log.ts';
import type { LogEnvironment } from './logState.ts';
import { LogError } from './types.ts';

/** Never rejects: what cannot be written is left to the next start's recovery. */
export async function stopOrderly(directory: LogDirectory, environment: LogEnvironment): Promise<void> {
  const logs = [...directory.logs];
  await Promise.all(logs.map((log) => log.quiesce()));
  const flushed = await Promise.all(logs.map(flushLog));
  try {
    await concurrently(logs, FILES_AT_ONCE, (log) => log.saveForCleanStart());
    await checkpointDirectory(directory);
    await directory.saveHighWatermarks();
    const latestMs = logs.map(({ state }) => state.segments.activeSlot.segment?.maxTimestampMs ?? -1);
    await closeAll(logs);
    if (directory.online) await concurrently(logs.entries(), FILES_AT_ONCE, ([index, { state }]) => saveLastIndexChecksums(state, latestMs[index] as number));
    const isClean = directory.online && flushed.every(Boolean) && logs.every((log) => log.state.recoveryPoint === log.state.logEndOffset);
    if (isClean) await environment.disk.writeFileAtomic(cleanShutdownPath(directory.path), cleanShutdownBytes);
  } catch (error) {
    environment.ports.logger.warn('the store could not be stopped in order: the next start will recover', { directory: directory.path, reason: String(error) });
    await closeAll(logs).catch(() => {});
  }
}

function flushLog(log: PartitionLog): Promise<boolean> {
  return new Promise((resolve) => log.flush((error) => resolve(error === null)));
}

async function closeAll(logs: readonly PartitionLog[]): Promise<void> {
  const reason = new LogError('closed', 'the store is closed');
  await concurrently(logs, FILES_AT_ONCE, (log) => {
    log.stop(reason);
    return log.closeFiles();
  });
}

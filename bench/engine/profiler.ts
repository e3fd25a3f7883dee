/** Profiles the measured part of a work, and only that, when the order asks for it. */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import path from 'node:path';

const INTERVAL_MICROSECONDS = 500;
let folder: string | null = null;

/** From now on each `measured` part leaves a `.cpuprofile` there. */
export function profileInto(path: string): void {
  folder = path;
}

export async function measured<T>(work: () => Promise<T>): Promise<T> {
  if (folder === null) return work();
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROSECONDS });
  await session.post('Profiler.start');
  const result = await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  writeFileSync(path.join(folder, `${process.pid}.cpuprofile`), JSON.stringify(profile));
  return result;
}

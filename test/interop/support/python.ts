import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './run.ts';

const PACKAGE = 'confluent-kafka==2.16.1';

/** Environment for python3 with confluent-kafka (librdkafka), installed once into the temporary folder; null when it can't be had. */
export async function pythonEnvironment(): Promise<NodeJS.ProcessEnv | null> {
  const target = path.join(os.tmpdir(), 'tidelog-interop-python');
  if (!existsSync(path.join(target, 'confluent_kafka'))) {
    const installed = await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', target, PACKAGE], { timeoutMs: 240_000 });
    if (installed.code !== 0) {
      process.stderr.write(installed.stderr);
      return null;
    }
  }
  return { PYTHONPATH: target };
}

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PortableDisk } from '../../../src/storage/disk/portable.ts';
import { batch } from '../../contract/disk/batches.ts';
import { appendOk, readAll, segmentOptions, sync, temporaryFolder } from '../../contract/disk/fixture.ts';

describe('PortableDisk', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('writes, reads and syncs more segments than it keeps open', async () => {
    const disk = new PortableDisk({ openFilesMax: 5 });
    const segments = [];
    for (let index = 0; index < 30; index++) {
      await disk.makeDirectory(`${folder.path}/t-${index}`);
      segments.push(disk.openSegment(segmentOptions(`${folder.path}/t-${index}`)));
    }
    for (let round = 0; round < 3; round++) for (const segment of segments) await appendOk(segment, batch());
    expect(await sync(disk, segments)).toBeNull();
    for (const segment of segments) expect(readAll(segment).length).toBe(3 * batch().length);
    await disk.close();
  });

  it('takes over the lock of a dead process, of a reused number and of nobody, but not of a live one', async () => {
    const disk = new PortableDisk();
    const path = `${folder.path}/.lock`;
    writeFileSync(path, '');
    await (await disk.lock(path)).release();
    writeFileSync(path, `${process.pid} 1\n`);
    await (await disk.lock(path)).release();
    const holder = spawn('sleep', ['60'], { stdio: 'ignore' });
    const status = readFileSync(`/proc/${holder.pid}/stat`, 'latin1');
    const startTime = status.slice(status.lastIndexOf(')') + 2).split(' ')[19];
    writeFileSync(path, `${holder.pid} ${startTime}\n`);
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'ELOCKED', message: expect.stringContaining(`process ${holder.pid}`) });
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    const lock = await disk.lock(path);
    await expect(new PortableDisk().lock(path)).rejects.toMatchObject({ code: 'ELOCKED' });
    await lock.release();
    await disk.close();
  });
});

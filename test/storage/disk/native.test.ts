import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, statSync, truncateSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppendStatus } from '../../../src/base/disk.ts';
import type { Disk } from '../../../src/base/disk.ts';
import { loadNativeCore, whyNotNative } from '../../../src/binding/addon.ts';
import { NativeDisk } from '../../../src/storage/disk/native.ts';
import { batch } from '../../contract/disk/batches.ts';
import { append, appendOk, emptyPosition, readAll, segmentOptions, sync, temporaryFolder } from '../../contract/disk/fixture.ts';

const MIB = 1 << 20;
const core = loadNativeCore();
const addonPath = fileURLToPath(new URL('../../../build/Release/tidelog.node', import.meta.url));
if (core === null) console.log(`SKIPPED: the native disk's own tests: ${whyNotNative()}`);

describe.skipIf(core === null)('NativeDisk', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: Disk;

  beforeEach(async () => {
    folder = temporaryFolder();
    disk = new NativeDisk(core!, { windowBytesMax: 4 << 20 });
    await disk.makeDirectory(`${folder.path}/t-0`);
  });
  afterEach(async () => {
    await disk.close();
    folder.remove();
  });

  const logPath = (baseOffset = 0): string => `${folder.path}/t-0/${String(baseOffset).padStart(20, '0')}.log`;
  const large = batch({ records: [{ value: 'x'.repeat(200_000) }] });

  it('survives a file that is cut behind its back: the view is not intact, the segment failed', async () => {
    const segment = disk.openSegment(segmentOptions(`${folder.path}/t-0`));
    for (let index = 0; index < 3; index++) await appendOk(segment, large);
    const view = segment.view(0, segment.sizeBytes);
    expect(view.intact).toBe(true);
    truncateSync(logPath(), 4096);
    expect(view.bytes[view.bytes.length - 1]).toBe(0);
    expect(view.intact).toBe(false);
    expect(segment.failed).toBe(true);
    expect((await append(segment, large)).status).toBe(AppendStatus.closed);
    expect(await sync(disk, [segment])).toMatchObject({ code: 'EIO' });
    view.release();
  });

  it('says so when a lookup meets a page that is gone', async () => {
    const segment = disk.openSegment(segmentOptions(`${folder.path}/t-0`));
    for (let index = 0; index < 3; index++) await appendOk(segment, large);
    truncateSync(logPath(), 0);
    expect(segment.locateOffset(2, emptyPosition())).toBe(false);
    expect(segment.failed).toBe(true);
  });

  it('empties a view whose window was given back, when its segment is deleted and the view released', async () => {
    const segment = disk.openSegment(segmentOptions(`${folder.path}/t-0`));
    for (let index = 0; index < 20; index++) await appendOk(segment, large);
    const first = segment.view(0, 100_000);
    const other = segment.view(3_000_000, 500_000);
    await segment.delete();
    expect(first.bytes.length).toBe(100_000);
    first.release();
    other.release();
    expect(first.bytes.length).toBe(0);
    expect(other.bytes.length).toBe(0);
  });

  it('keeps no more windows than allowed, but all that are leased', async () => {
    const segments = [0, 1, 2, 3, 4, 5].map((index) => disk.openSegment(segmentOptions(`${folder.path}/t-0`, { baseOffset: index * 10 })));
    const views = [];
    for (const segment of segments) {
      await appendOk(segment, large);
      views.push(segment.view(0, 150_000));
    }
    for (const view of views) expect(view.bytes.length).toBe(150_000);
    for (const view of views) view.release();
    for (const segment of segments) segment.view(0, 150_000).release();
    expect(views.filter((view) => view.bytes.length === 0).length).toBeGreaterThanOrEqual(2);
  });

  it('opens many windows without the engine collecting all its garbage for them', () => {
    const script = `
      const { PerformanceObserver, constants } = require('node:perf_hooks');
      const addon = require(${JSON.stringify(addonPath)});
      const numbers = new Float64Array(64);
      addon.setup(numbers, new Float64Array(300), () => {});
      const file = process.argv[1] + '/0';
      require('node:fs').writeFileSync(file + '.log', '');
      require('node:fs').truncateSync(file + '.log', 2 ** 30);
      numbers.set([0, 4096, 1 << 20, 2 ** 30, 0, 1]);
      const segment = addon.segmentOpen(file + '.log', file + '.index', file + '.timeindex', 'g');
      let collections = 0;
      new PerformanceObserver((list) => {
        for (const { detail } of list.getEntries()) if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections++;
      }).observe({ entryTypes: ['gc'] });
      const kept = [];
      const open = (index) => {
        const buffer = addon.windowOpen(segment, index * 2 ** 23, 2 ** 23);
        kept.push([numbers[26], buffer]);
        if (index % 2 === 1) addon.windowClose(...kept.shift());
        if (index < 127) setImmediate(open, index + 1);
        else setTimeout(() => console.log(kept.length, 'open', collections, 'collections'), 20);
      };
      open(0);
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script, folder.path], { encoding: 'utf8' });
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: '64 open 0 collections', stderr: '' });
  });

  it('loads what it does not know to be in the page cache, and no more', async () => {
    const segment = disk.openSegment(segmentOptions(`${folder.path}/t-0`));
    for (let index = 0; index < 20; index++) await appendOk(segment, large);
    const loaded: [number, number][] = [];
    const { segmentLoad } = core!.exports;
    const spy = vi.spyOn(core!.exports, 'segmentLoad').mockImplementation((handle, position, lengthBytes, token) => {
      loaded.push([position, lengthBytes]);
      segmentLoad(handle, position, lengthBytes, token);
    });
    const load = (position: number, lengthBytes: number): Promise<void> => new Promise((resolve) => segment.load(position, lengthBytes, resolve));
    try {
      for (const [position, lengthBytes] of [[0, 1], [1000, MIB], [2 * MIB - 1, 1], [2 * MIB - 1, 5 * MIB]] as const) await load(position, lengthBytes);
    } finally {
      spy.mockRestore();
    }
    expect(loaded).toEqual([[0, MIB], [MIB, MIB], [2 * MIB, segment.sizeBytes - 2 * MIB]]);
    expect(segment.isResident(0, segment.sizeBytes)).toBe(true);
    expect(segment.failed).toBe(false);
  });

  it('reserves blocks for a busy segment only, and gives them back', async () => {
    const options = segmentOptions(`${folder.path}/t-0`, { preallocateBytes: 32 << 20 });
    const blocks = (path: string): number => statSync(path).blocks * 512;
    const idle = disk.openSegment({ ...options, baseOffset: 5 });
    await appendOk(idle, large);
    const busy = disk.openSegment(options);
    for (let index = 0; index < 20; index++) await appendOk(busy, large);
    await busy.close();
    const reopened = disk.openSegment(options);
    for (let index = 0; index < 5; index++) await appendOk(reopened, large);
    reopened.seal();
    await sync(disk, [reopened, idle]);
    await reopened.close();
    expect(statSync(logPath()).size).toBe(25 * large.length);
    expect(blocks(logPath())).toBeLessThan(25 * large.length + (1 << 20));
    expect(blocks(logPath(5))).toBeLessThan(1 << 20);
  });

  it('maps a segment anew that outgrew what it said', async () => {
    const segment = disk.openSegment(segmentOptions(`${folder.path}/t-0`, { segmentSizeMaxBytes: 300_000 }));
    for (let index = 0; index < 12; index++) {
      await appendOk(segment, large);
      const view = segment.view(segment.sizeBytes - 90_000, 90_000);
      expect(view.bytes[89_000]).toBe(120);
      view.release();
      expect(segment.locateOffset(index, emptyPosition())).toBe(true);
    }
    expect(readAll(segment).length).toBe(12 * large.length);
  });

  it('syncs a hundred segments of two log directories in one call', async () => {
    const segments = [];
    for (let index = 0; index < 100; index++) {
      const path = `${folder.path}/${index % 2}/p-${index}`;
      await disk.makeDirectory(path);
      const segment = disk.openSegment(segmentOptions(path));
      await appendOk(segment, batch());
      segments.push(segment);
    }
    expect(await Promise.all([sync(disk, segments), sync(disk, segments.slice(10)), sync(disk, [segments[3]!])])).toEqual([null, null, null]);
  });

  it('writes many segments with few descriptors', () => {
    const script = `
      const addon = require(${JSON.stringify(addonPath)});
      const numbers = new Float64Array(64);
      let left = 0;
      addon.setup(numbers, new Float64Array(300), () => { left--; });
      addon.setHandOff(0);
      const bytes = Buffer.from(process.argv[1], 'base64');
      const handles = [];
      for (let index = 0; index < 400; index++) {
        numbers.set([index * 1000, 4096, 1 << 20, 1 << 24, 0, 0]);
        const stem = process.argv[2] + '/' + index;
        handles.push(addon.segmentOpen(stem + '.log', stem + '.index', stem + '.timeindex', 'g'));
      }
      for (let round = 0; round < 3; round++) {
        for (const [index, handle] of handles.entries()) {
          numbers.set([index * 1000 + round, 0, 6, -1, -1e300, 1e300, 1e6]);
          const status = addon.segmentAppend(handle, bytes);
          if (status !== 0) throw new Error('status ' + status + ' errno ' + numbers[14]);
        }
      }
      left++;
      addon.sync(Int32Array.from(handles), handles.length, 1);
      process.on('exit', () => console.log(left === 0 ? 'synced' : 'not synced'));
    `;
    const args = ['-c', 'ulimit -n 120 && exec "$0" -e "$1" "$2" "$3"', process.execPath, script, batch().toString('base64'), folder.path];
    const { stdout, stderr, status } = spawnSync('bash', args, { encoding: 'utf8' });
    expect({ stdout: stdout.trim(), stderr, status }).toEqual({ stdout: 'synced', stderr: '', status: 0 });
    for (const index of [0, 200, 399]) expect(statSync(`${folder.path}/${index}.log`).size).toBe(3 * batch().length);
  });

  it('works in a worker of its own, which may end in the middle of everything', async () => {
    const script = `
      const { workerData, parentPort } = require('node:worker_threads');
      const addon = require(workerData.addonPath);
      const numbers = new Float64Array(64);
      addon.setup(numbers, new Float64Array(300), () => {});
      addon.setHandOff(0);
      numbers.set([0, 4096, 1 << 20, 1 << 24, 0, 0]);
      const handle = addon.segmentOpen(workerData.stem + '.log', workerData.stem + '.index', workerData.stem + '.timeindex', 'g');
      for (let offset = 0; offset < 50; offset++) {
        numbers.set([offset, 0, 6, -1, -1e300, 1e300, 1e9]);
        addon.segmentAppend(handle, workerData.bytes);
        addon.sync(Int32Array.of(handle), 1, offset + 1);
        addon.segmentScan(handle, 0, 0, new Float64Array(1024 * 11 + 4), 1000 + offset);
      }
      globalThis.window = addon.windowOpen(handle, 0, 1 << 20);
      parentPort.postMessage(window.byteLength);
    `;
    for (let round = 0; round < 3; round++) {
      const stem = `${folder.path}/worker-${round}`;
      const worker = new Worker(script, { eval: true, workerData: { addonPath, stem, bytes: large } });
      expect(await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))).toBe(1 << 20);
      await worker.terminate();
      expect(statSync(`${stem}.log`).size).toBe(50 * large.length);
    }
  });

  it('throws on numbers and types that stand for nothing', () => {
    const { exports } = core!;
    expect(() => exports.segmentLearn(12345)).toThrow('the segment is closed');
    expect(() => exports.segmentAppend(1, 'text' as unknown as Uint8Array)).toThrow();
    expect(() => exports.segmentLearn('x' as unknown as number)).toThrow(TypeError);
    expect(() => exports.crc32c({} as Uint8Array, 0)).toThrow(TypeError);
    expect(() => exports.windowClose(99, new ArrayBuffer(1))).not.toThrow();
    expect(() => exports.setup(new Float64Array(64), new Float64Array(64), () => {})).toThrow('set up once');
  });
});

describe.skipIf(core === null)('the native lock', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const holdScript = `
    const handle = require(process.argv[1]).lock(process.argv[2]);
    console.log(handle);
    if (handle > 0) setTimeout(() => {}, 60_000);
  `;

  it('excludes another process, in both directions, and ends with its holder', async () => {
    const disk = new NativeDisk(core!);
    const path = `${folder.path}/.lock`;
    const lock = await disk.lock(path);
    const refused = execFileSync(process.execPath, ['-e', holdScript, addonPath, path], { encoding: 'utf8' });
    expect(Number(refused)).toBeLessThan(0);
    await lock.release();
    const { spawn } = await import('node:child_process');
    const holder = spawn(process.execPath, ['-e', holdScript, addonPath, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => holder.stdout.once('data', resolve));
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'ELOCKED' });
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
    await (await disk.lock(path)).release();
    await disk.close();
  });

  it("excludes a POSIX lock such as Java's", async () => {
    const python = spawnSync('python3', ['-c', 'import fcntl']);
    if (python.status !== 0) {
      console.log('SKIPPED: a POSIX lock needs Python');
      return;
    }
    const disk = new NativeDisk(core!);
    const path = `${folder.path}/.lock`;
    const lock = await disk.lock(path);
    const script = 'import fcntl,sys\nf=open(sys.argv[1],"r+")\ntry:\n fcntl.lockf(f, fcntl.LOCK_EX|fcntl.LOCK_NB)\n print("taken")\nexcept OSError:\n print("refused")';
    expect(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }).trim()).toBe('refused');
    await lock.release();
    expect(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }).trim()).toBe('taken');
    expect(existsSync(path)).toBe(true);
    await disk.close();
  });
});

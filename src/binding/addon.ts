import { createRequire } from 'node:module';
import { NumberField, EventField } from './abi.ts';
import { prebuiltName } from './prebuilt.ts';

/** Node-gyp's output: an addon that was built on this machine goes before a prebuilt one. */
const BUILT_ADDON = '../../build/Release/tidelog.node';
const EVENTS_MAX = 128;

/**
 * The functions of native/napi, one for one. Handles are numbers; a negative one is an errno. What has many arguments or results takes and
 * gives them in `NativeCore.numbers` (native/segment/abi.h). Calls with a token end in an event.
 */
export interface AddonExports {
  setup(numbers: Float64Array, events: Float64Array, onEvents: (count: number) => void): ArrayBuffer | undefined;
  describe(): string;
  crc32c(bytes: Uint8Array, previous: number): number;
  checkRecords(bytes: Uint8Array, count: number, requireKeys: boolean, timestampBase: number, timestampMin: number, timestampMax: number): number;
  buildRecords(target: Uint8Array, content: Uint8Array, fields: Int32Array, timestampsMs: Float64Array, count: number, baseTimestampMs: number): number;
  placeRecords(
    bytes: Uint8Array, from: number, end: number, previousOffsetDelta: number, lastOffsetDelta: number, rowsMax: number, rows: Int32Array, timestampDeltas: Float64Array): number;
  segmentOpen(log: string, index: string, timeIndex: string, group: string): number;
  segmentAppend(segment: number, bytes: Uint8Array): number;
  segmentWrite(segment: number, token: number): void;
  segmentWritten(segment: number, errno: number): number;
  setHandOff(mode: number): void;
  setZeroAhead(mode: number): void;
  segmentLearn(segment: number): boolean;
  segmentLocateOffset(segment: number, offset: number): boolean;
  segmentLocateTimestamp(segment: number, timestampMs: number, fromOffset: number): boolean;
  segmentLocateRecord(segment: number, timestampMs: number, fromOffset: number): number;
  segmentRead(segment: number, position: number, target: Uint8Array): number;
  segmentIsResident(segment: number, position: number, lengthBytes: number): boolean;
  segmentLoad(segment: number, position: number, lengthBytes: number, token: number): void;
  segmentSeal(segment: number): void;
  segmentTruncate(segment: number, sizeBytes: number, token: number): number;
  segmentRebuild(segment: number, token: number): void;
  segmentAdopt(segment: number): void;
  segmentNextOffsetAt(segment: number, position: number): number;
  segmentScan(segment: number, position: number, nextOffset: number, rows: Float64Array, token: number): void;
  segmentIndexesLookSane(segment: number): boolean;
  segmentFailed(segment: number): boolean;
  segmentMarkFailed(segment: number): void;
  segmentMove(segment: number, log: string, index: string, timeIndex: string): void;
  segmentClose(segment: number, remove: boolean, token: number): void;
  windowOpen(segment: number, start: number, lengthBytes: number): ArrayBuffer | undefined;
  windowClose(window: number, buffer: ArrayBuffer): void;
  windowIntact(window: number): boolean;
  setExternalMemory(allowed: boolean): void;
  sync(segments: Int32Array, count: number, token: number): void;
  foldersRead(paths: string, names: string, sizeMaxBytes: number, token: number): void;
  foldersTake(token: number): ArrayBuffer | undefined;
  lock(path: string): number;
  unlock(lock: number): void;
  stop(): void;
  giveMemoryBack(): void;
}

/** One from other sources would fail later, at the first call that it does not know. */
const EXPORTS: Record<keyof AddonExports, true> = {
  setup: true, describe: true, crc32c: true, checkRecords: true, buildRecords: true, placeRecords: true, segmentOpen: true, segmentAppend: true,
  segmentWrite: true, segmentWritten: true, setHandOff: true, setZeroAhead: true, segmentLearn: true, segmentLocateOffset: true, segmentLocateTimestamp: true,
  segmentLocateRecord: true, segmentRead: true, segmentIsResident: true, segmentLoad: true, segmentSeal: true, segmentTruncate: true,
  segmentRebuild: true, segmentAdopt: true, segmentNextOffsetAt: true, segmentScan: true, segmentIndexesLookSane: true, segmentFailed: true,
  segmentMarkFailed: true, segmentMove: true, segmentClose: true, windowOpen: true, windowClose: true, windowIntact: true, setExternalMemory: true,
  sync: true, foldersRead: true, foldersTake: true, lock: true, unlock: true, stop: true, giveMemoryBack: true,
};

/** Ends one operation: 0 or errno, and the handle of the segment whose file failed. */
export type NativeCallback = (error: number, segment: number) => void;

/** The addon of this thread, its shared array, and who waits for what. */
export class NativeCore {
  readonly exports: AddonExports;
  /** Fields as NumberField and OptionField say; read results at once. */
  readonly numbers = new Float64Array(NumberField.numberFields);
  /** Counts pages that could not be read; absent where the engine forbids external memory. */
  readonly faults: Uint32Array | null;
  /** Disks that use this core: its threads end with the last. */
  #users = 0;
  readonly #events = new Float64Array(EVENTS_MAX * EventField.fields);
  readonly #callbacks: (NativeCallback | null)[] = [null];
  readonly #freeTokens: number[] = [];

  constructor(exports: AddonExports) {
    this.exports = exports;
    const faults = exports.setup(this.numbers, this.#events, (count) => this.#deliver(count));
    this.faults = faults === undefined ? null : new Uint32Array(faults);
  }

  acquire(): void {
    this.#users++;
  }

  /** Ends the threads with the last user, after what is queued; they start again when needed. */
  release(): void {
    this.#users--;
    if (this.#users === 0) this.exports.stop();
  }

  /** A token to hand to a native call: `callback` is called once, later, on this thread. */
  begin(callback: NativeCallback): number {
    const token = this.#freeTokens.pop() ?? this.#callbacks.length;
    this.#callbacks[token] = callback;
    return token;
  }

  /** The native call refused to begin. */
  abandon(token: number): void {
    this.#callbacks[token] = null;
    this.#freeTokens.push(token);
  }

  /** As begin, for those who may wait in a promise. Resolves to 0 or errno. */
  operation(start: (token: number) => void): Promise<number> {
    return new Promise((resolve) => start(this.begin(resolve)));
  }

  #deliver(count: number): void {
    // A callback may begin and end other operations, but no other batch of events comes before this one returned.
    for (let row = 0; row < count * EventField.fields; row += EventField.fields) {
      const token = this.#events[row + EventField.token]!;
      const callback = this.#callbacks[token];
      if (token === 0 || callback === null || callback === undefined) continue;
      this.abandon(token);
      callback(this.#events[row + EventField.error]!, this.#events[row + EventField.segment]!);
    }
  }
}

interface Loaded {
  readonly core: NativeCore | null;
  /** Where the addon came from: '' when it was built here. */
  readonly origin: string;
  readonly reason: string;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  const prebuilt = prebuiltName();
  let reason = '';
  for (const [path, origin] of [[BUILT_ADDON, ''], [`../../prebuilds/${prebuilt}/tidelog.node`, `prebuilt ${prebuilt}`]] as const) {
    try {
      return { core: loadFile(path), origin, reason: '' };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') reason ||= String((error as Error).message);
    }
  }
  return { core: null, origin: '', reason: reason || `the addon is not built, and there is no prebuilt one for ${prebuilt}` };
}

function loadFile(path: string): NativeCore {
  const exports = createRequire(import.meta.url)(path) as AddonExports & { core?: NativeCore };
  const missing = Object.keys(EXPORTS).filter((name) => typeof exports[name as keyof AddonExports] !== 'function');
  if (missing.length > 0) throw new Error(`${path} was built from other sources than these: it has no ${missing.join(', ')}`);
  // An addon is set up once for a thread, though this module may be there twice (sources beside their compiled form).
  return (exports.core ??= new NativeCore(exports));
}

/** The addon, loaded at the first call; null where it is not built or does not fit this machine. */
export function loadNativeCore(): NativeCore | null {
  loaded ??= load();
  return loaded.core;
}

/** Why `loadNativeCore` gave null; '' when it did not. */
export function whyNotNative(): string {
  loaded ??= load();
  return loaded.reason;
}

/** Where the addon came from, for people: 'prebuilt linux-x64-glibc', or '' when it was built on this machine. */
export function originOfNative(): string {
  loaded ??= load();
  return loaded.origin;
}

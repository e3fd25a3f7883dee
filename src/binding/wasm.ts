import { readFileSync } from 'node:fs';
import { AppendStatus } from '../base/disk.ts';
import type { Compute, RecordPlan, RecordResult, RecordStatus } from './compute.ts';

/** The little of the WebAssembly API that is used here; Node's types leave it to the DOM library. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WebAssemblyApi }).WebAssembly;

/** What wasm/exports.cc gives. */
interface CoreExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  inputAddress(): number;
  resultAddress(): number;
  reserveInput(lengthBytes: number): number;
  crc32c(previous: number, lengthBytes: number): number;
  checkRecords(lengthBytes: number, count: number, requireKeys: number, base: number, min: number, max: number): number;
}

/** Checksums go through in pieces of this size, so that they never grow the memory. */
const PIECE_BYTES = 256 * 1024;
/** An instance that grew beyond this for one large batch is thrown away: WASM memory cannot shrink. */
const KEPT_MEMORY_MAX_BYTES = 8 * 1024 * 1024;

/** The compiled core as WebAssembly: the same C++ as the addon, input copied in. */
export class WasmCompute implements Compute {
  readonly name = 'wasm';
  readonly #module: object;
  #core: CoreExports;
  #memory: Uint8Array;
  #inputAddress: number;

  constructor(bytes: Uint8Array) {
    this.#module = new Module(bytes);
    this.#core = this.#instantiate();
    this.#memory = new Uint8Array(this.#core.memory.buffer);
    this.#inputAddress = this.#core.inputAddress();
    this.#reserve(PIECE_BYTES);
  }

  crc32c(bytes: Uint8Array, previous = 0): number {
    let crc = previous;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(at, at + PIECE_BYTES);
      this.#memory.set(piece, this.#inputAddress);
      crc = this.#core.crc32c(crc, piece.length);
    }
    return crc >>> 0;
  }

  checkRecords(bytes: Uint8Array, count: number, plan: RecordPlan, result: RecordResult): RecordStatus {
    this.#reserve(bytes.length);
    this.#memory.set(bytes, this.#inputAddress);
    const { timestampBase, timestampMin, timestampMax } = plan;
    const status = this.#core.checkRecords(bytes.length, count, plan.requireKeys ? 1 : 0, timestampBase, timestampMin, timestampMax);
    const found = new Float64Array(this.#core.memory.buffer, this.#core.resultAddress(), 3);
    result.maxTimestampMs = found[0]!;
    result.offsetDeltaOfMaxTimestamp = found[1]!;
    result.badRecordIndex = found[2]!;
    if (this.#memory.length > KEPT_MEMORY_MAX_BYTES) this.#renew();
    return asRecordStatus(status);
  }

  #instantiate(): CoreExports {
    return new Instance(this.#module).exports as CoreExports;
  }

  #reserve(lengthBytes: number): void {
    if (this.#inputAddress + lengthBytes <= this.#memory.length) return;
    if (this.#core.reserveInput(lengthBytes) === 0) throw new RangeError(`no memory to check ${lengthBytes} bytes of records`);
    this.#memory = new Uint8Array(this.#core.memory.buffer);
  }

  #renew(): void {
    this.#core = this.#instantiate();
    this.#memory = new Uint8Array(this.#core.memory.buffer);
    this.#inputAddress = this.#core.inputAddress();
    this.#reserve(PIECE_BYTES);
  }
}

function asRecordStatus(status: number): RecordStatus {
  switch (status) {
    case AppendStatus.ok:
    case AppendStatus.invalidTimestamp:
    case AppendStatus.missingKey:
      return status;
    default:
      return AppendStatus.invalidRecord;
  }
}

/** Loads wasm/dist/core.wasm, at once and without a promise (it is small). */
export function loadWasmCompute(): Compute {
  return new WasmCompute(readFileSync(new URL('../../wasm/dist/core.wasm', import.meta.url)));
}

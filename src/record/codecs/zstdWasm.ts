/**
 * The zstd of `@bokuweb/zstd-wasm`, by its C functions: the package's own wrapper believes a frame's declared size and must be awaited.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { RecordError } from '../recordError.ts';
import { findLibrary, refuseCorrupt, refuseTooLarge } from './library.ts';

/** What the package's script offers, as far as it is used here; C functions carry a leading underscore. */
interface ZstdScript {
  HEAPU8: Uint8Array;
  instantiateWasm: (imports: unknown, receive: (instance: unknown) => unknown) => unknown;
  init(): void;
  [cFunction: `_${string}`]: (...numbers: number[]) => number;
}

/** The part of the global that Node 20's type definitions leave out. */
interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (compiled: object, imports: unknown) => object;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyHost };

/** A WASM memory never shrinks: past this size it is thrown away after use. */
const KEPT_MEMORY_BYTES_MAX = 64 * 2 ** 20;
/** Errors as the functions return them: ZSTD_error_dstSize_tooSmall, ZSTD_error_memory_allocation. */
const NO_ROOM = -70;
const NO_MEMORY = -64;

type CFunction = 'malloc' | 'free' | 'ZSTD_isError' | 'ZSTD_compressBound' | 'ZSTD_compress' | 'ZSTD_decompress';

export class ZstdWasm {
  readonly #scriptPath: string;
  readonly #compiled: object;
  #script: ZstdScript | null = null;

  constructor(scriptPath: string, compiled: object) {
    this.#scriptPath = scriptPath;
    this.#compiled = compiled;
  }

  compress(bytes: Uint8Array, level: number): Buffer {
    const script = this.#current();
    const outBytes = call(script, 'ZSTD_compressBound', bytes.length);
    return this.#run(script, bytes, outBytes, (out, input) => call(script, 'ZSTD_compress', out, outBytes, input, bytes.length, level));
  }

  /** Inflates whole frames. Throws RecordError TOO_LARGE where they hold more than `sizeMaxBytes`. */
  inflate(bytes: Uint8Array, sizeMaxBytes: number): Buffer {
    const script = this.#current();
    return this.#run(script, bytes, sizeMaxBytes, (out, input) => call(script, 'ZSTD_decompress', out, sizeMaxBytes, input, bytes.length));
  }

  #run(script: ZstdScript, bytes: Uint8Array, outBytes: number, work: (out: number, input: number) => number): Buffer {
    // Left null where anything throws that is not about the input: such an instance is not trusted again.
    this.#script = null;
    const input = call(script, 'malloc', Math.max(bytes.length, 1));
    const out = call(script, 'malloc', Math.max(outBytes, 1));
    const size = input === 0 || out === 0 ? NO_MEMORY : workOn(script, bytes, input, () => work(out, input));
    const isError = call(script, 'ZSTD_isError', size) !== 0;
    const result = isError ? null : Buffer.from(script.HEAPU8.subarray(out, out + size));
    call(script, 'free', out);
    call(script, 'free', input);
    if (script.HEAPU8.length <= KEPT_MEMORY_BYTES_MAX) this.#script = script;
    return result ?? refuse(size, outBytes);
  }

  #current(): ZstdScript {
    this.#script ??= instantiate(this.#scriptPath, this.#compiled);
    return this.#script;
  }
}

function call(script: ZstdScript, name: CFunction, ...numbers: number[]): number {
  return script[`_${name}`]!(...numbers);
}

function workOn(script: ZstdScript, bytes: Uint8Array, input: number, work: () => number): number {
  script.HEAPU8.set(bytes, input);
  return work();
}

function refuse(error: number, outBytes: number): never {
  if (error === NO_ROOM) return refuseTooLarge('zstd', outBytes);
  if (error === NO_MEMORY) throw new RecordError('TOO_LARGE', `zstd: no memory for ${outBytes} bytes`);
  return refuseCorrupt(`zstd: error ${-error}`);
}

/** Null where the package is absent. */
export function loadZstdWasm(): ZstdWasm | null {
  const main = findLibrary('@bokuweb/zstd-wasm');
  if (main === null) return null;
  const folder = dirname(main);
  return new ZstdWasm(join(folder, 'zstd.js'), new WebAssembly.Module(readFileSync(join(folder, 'zstd.wasm'))));
}

/** The script keeps its memory in variables of its own: each instance needs the script run anew. */
function instantiate(scriptPath: string, compiled: object): ZstdScript {
  const requireHere = createRequire(import.meta.url);
  delete requireHere.cache[scriptPath];
  const { Module: script } = requireHere(scriptPath) as { Module: ZstdScript };
  script.instantiateWasm = (imports, receive) => receive(new WebAssembly.Instance(compiled, imports));
  script.init();
  return script;
}

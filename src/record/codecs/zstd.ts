import { DEFAULT_LEVEL } from './codec.ts';
import type { RecordCodec } from './codec.ts';
import { asBuffer, guarded, loadZlib, refuseCorrupt, refuseTooLarge } from './library.ts';
import { readZstdFrame } from './zstdFrame.ts';
import { loadZstdWasm } from './zstdWasm.ts';

const STANDARD_LEVEL = 3;
const levelFrom = (level: number): number => (level === DEFAULT_LEVEL ? STANDARD_LEVEL : level);

/** Inflates one frame that holds at most `sizeMaxBytes`. */
type InflateFrame = (frame: Buffer, sizeMaxBytes: number) => Buffer;

/** Concatenated and skippable frames are read as Kafka's clients read them: one after the other. */
function inflateFrames(bytes: Buffer, sizeMaxBytes: number, inflateFrame: InflateFrame): Buffer {
  const pieces: Buffer[] = [];
  let total = 0;
  for (let at = 0; at < bytes.length; ) {
    const frame = readZstdFrame(bytes, at);
    if (!frame.isSkippable) {
      const room = Math.min(frame.inflatedBytesMax, sizeMaxBytes - total);
      const piece = inflateFrame(bytes.subarray(at, frame.end), room);
      if (piece.length > room) refuseTooLarge('zstd', sizeMaxBytes);
      pieces.push(piece);
      total += piece.length;
    }
    at = frame.end;
  }
  if (pieces.length === 0) refuseCorrupt('zstd: no frame');
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, total);
}

/** What Node's zlib has from 22.15 on; the type definitions of Node 20 do not know it. */
interface ZlibWithZstd {
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
}

/** Node's own zstd; null before Node 22.15. */
export function nativeZstd(): RecordCodec | null {
  const { zstdCompressSync, zstdDecompressSync, constants } = loadZlib() as unknown as ZlibWithZstd;
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return null;
  const inflateFrame: InflateFrame = (frame, sizeMaxBytes) => {
    try {
      return zstdDecompressSync(frame, { maxOutputLength: Math.max(sizeMaxBytes, 1) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return refuseTooLarge('zstd', sizeMaxBytes);
      return refuseCorrupt(`zstd: ${(error as Error).message}`);
    }
  };
  return {
    description: 'zlib',
    compress: (bytes, level) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: levelFrom(level) } }),
    inflate: (bytes, sizeMaxBytes) => inflateFrames(asBuffer(bytes), sizeMaxBytes, inflateFrame),
  };
}

/** zstd compiled to WebAssembly; null where its package is absent. */
export function wasmZstd(): RecordCodec | null {
  const wasm = loadZstdWasm();
  if (wasm === null) return null;
  const inflateFrame: InflateFrame = (frame, sizeMaxBytes) => guarded('zstd', () => wasm.inflate(frame, sizeMaxBytes));
  return {
    description: 'WebAssembly',
    compress: (bytes, level) => wasm.compress(bytes, levelFrom(level)),
    inflate: (bytes, sizeMaxBytes) => inflateFrames(asBuffer(bytes), sizeMaxBytes, inflateFrame),
  };
}

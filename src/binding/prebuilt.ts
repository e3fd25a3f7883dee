import { closeSync, openSync, readSync } from 'node:fs';

/** Enough of an ELF program to hold the path of its loader. */
const HEAD_BYTES = 4096;

/**
 * The folder below prebuilds/ with the addon for this machine, as scripts/prebuild/targets.mjs names them: "linux-x64-glibc", "darwin-arm64". `program` is the
 * running one: a Node that is linked against musl names musl's loader in its head. Where the file cannot be read, glibc is assumed.
 */
export function prebuiltName(platform: string = process.platform, arch: string = process.arch, program: string = process.execPath): string {
  return platform === 'linux' ? `${platform}-${arch}-${usesMusl(program) ? 'musl' : 'glibc'}` : `${platform}-${arch}`;
}

function usesMusl(program: string): boolean {
  try {
    const fd = openSync(program, 'r');
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.toString('latin1', 0, readSync(fd, head, 0, HEAD_BYTES, 0)).includes('/ld-musl-');
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

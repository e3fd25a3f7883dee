export interface Target {
  readonly name: string;
  readonly triple: string;
  readonly format: 'elf' | 'macho';
  readonly machine: 'x64' | 'arm64';
  readonly libc?: 'glibc' | 'musl';
  readonly glibcMax?: string;
}
export const TARGETS: readonly Target[];
export const REFUSED: Readonly<Record<string, string>>;
export const TESTED: Readonly<Record<string, string>>;
export function chooseTargets(names: readonly string[]): readonly Target[];

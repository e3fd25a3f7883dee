export function bundle(options: {
  readonly programs: readonly string[];
  readonly workers: readonly string[];
  readonly outdir: string;
  readonly sourcemap?: boolean;
  readonly logLevel?: 'silent' | 'warning';
}): Promise<void>;

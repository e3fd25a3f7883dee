export function bundle(options: {
  readonly programs: readonly string[];
  readonly workers: readonly string[];
  readonly outdir: string;
  readonly sourcemap?: boolean;
  readonly logLevel?: 'silent' | 'warning';
}): Promise<void>;

export function bundleLibrary(options: { readonly entries: Readonly<Record<string, string>>; readonly outdir: string; readonly logLevel?: 'silent' | 'warning' }): Promise<void>;

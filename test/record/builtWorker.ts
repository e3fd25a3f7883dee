import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A folder laid out as the built package, with this room's worker in it; `bundle` puts more of the sources into it, as one file. */
export class BuiltPackage {
  readonly root: string;
  readonly workerPath: string;

  private constructor(root: string) {
    this.root = root;
    this.workerPath = join(root, 'dist', 'record', 'inflate.worker.js');
  }

  static async make(): Promise<BuiltPackage> {
    const made = new BuiltPackage(await mkdtemp(join(tmpdir(), 'tidelog-worker-')));
    await mkdir(dirname(made.workerPath), { recursive: true });
    await writeFile(join(made.root, 'package.json'), JSON.stringify({ name: 'tidelog', type: 'module' }));
    // Codecs from node_modules; the compiled core, native or WASM, from where the project has it.
    for (const folder of ['node_modules', 'wasm', 'build']) await symlink(join(projectRoot, folder), join(made.root, folder));
    await made.bundle('src/record/inflate.worker.ts', 'dist/record/inflate.worker.js');
    return made;
  }

  async bundle(source: string, target: string): Promise<string> {
    const outfile = join(this.root, target);
    await build({ entryPoints: [join(projectRoot, source)], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' });
    return outfile;
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

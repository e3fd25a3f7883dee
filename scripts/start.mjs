/** `npm start -- [server.properties] [--override key=value]...`: sets up, then is the broker, in this process. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { root } from './setup/stamps.mjs';

await setUp();
const program = path.join(root, 'dist/bundle/server-start.cjs');
if (!existsSync(program)) {
  console.error(`${path.relative(process.cwd(), program)} was not built: src/main/server-start.ts is missing`);
  process.exit(1);
}
// What it says of its start counts from here.
performance.mark('set-up-ended');
process.argv[1] = program;
createRequire(import.meta.url)('../bin/launch.cjs').launch('server-start');

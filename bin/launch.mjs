/** Starts a program of dist/bundle; in a clone that was never built, builds it first. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** `tool`, if given, becomes the program's first argument. */
export async function launch(name, tool) {
  const program = new URL(`../dist/bundle/${name}.js`, import.meta.url);
  if (!existsSync(program)) await build(fileURLToPath(program));
  if (tool !== undefined) process.argv.splice(2, 0, tool);
  await import(program.href);
}

async function build(program) {
  const setup = new URL('../scripts/setup.mjs', import.meta.url);
  if (!existsSync(setup)) fail(`${program} is missing: install the package again`);
  await (await import(setup.href)).setUp();
  if (!existsSync(program)) fail('the program could not be built: run npm run build');
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

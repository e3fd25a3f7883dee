/** Writes src/binding/abi.ts from native/segment/abi.h. With --check only compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const OUTPUT = path.join(root, 'src/binding/abi.ts');

/** `kScanPosition` of enum ScanField is ScanField.position; what an enum's entries share with its name is dropped. */
function property(entry, enumName) {
  const name = entry.slice(1);
  const words = enumName.match(/[A-Z][a-z]+/g);
  const kept = ['Option', 'Event', 'Scan', 'Summary', 'Stop'].find((prefix) => words.includes(prefix) && name.startsWith(prefix));
  const shortName = kept ? name.slice(kept.length) : name;
  return shortName[0].toLowerCase() + shortName.slice(1);
}

function enumToTypeScript(name, body) {
  let next = 0;
  const lines = [];
  for (const match of body.matchAll(/^\s*(k\w+)(?:\s*=\s*(\d+))?,/gm)) {
    if (match[2] !== undefined) next = Number(match[2]);
    lines.push(`  ${property(match[1], name)}: ${next},`);
    next++;
  }
  return `export const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
}

export function generateAbi() {
  const header = readFileSync(path.join(root, 'native/segment/abi.h'), 'utf8');
  const enums = [...header.matchAll(/^enum (\w+) : int \{\n([\s\S]*?)^\};/gm)].map(([, name, body]) => enumToTypeScript(name, body));
  return `// Generated from native/segment/abi.h by scripts/generateAbi.mjs: do not edit.\n\n${enums.join('\n')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generateAbi();
  if (!process.argv.includes('--check')) writeFileSync(OUTPUT, text);
  else if (readFileSync(OUTPUT, 'utf8') !== text) {
    console.error('src/binding/abi.ts is not what native/segment/abi.h says: run node scripts/generateAbi.mjs');
    process.exitCode = 1;
  }
}

/** What the dynamic loader reads of a 64-bit little-endian ELF library: enough to tell what it needs from the machine that loads it. */
const SECTION = { stringTable: 3, dynamic: 6, dynamicSymbols: 11, versionNeeds: 0x6ffffffe, symbolVersions: 0x6fffffff };
const MACHINES = { 62: 'x64', 183: 'arm64' };
const TAG_NEEDED = 1;
const SYMBOL_BYTES = 24;
const DYNAMIC_ENTRY_BYTES = 16;
const BINDING_WEAK = 2;
const VERSION_MASK = 0x7fff;

/**
 * { machine, needed: library names, symbols: [{ name, version, isDefined, isWeak }] }, the symbols without local ones. `version` is '' where none is asked for.
 * Throws for anything else than such a library.
 */
export function readElf(bytes) {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[4] !== 2 || bytes[5] !== 1) throw new Error('not a 64-bit little-endian ELF file');
  const sections = readSections(bytes);
  const find = (type) => sections.find((section) => section.type === type);
  const symbols = find(SECTION.dynamicSymbols);
  if (!symbols) throw new Error('no dynamic symbols');
  const strings = sections[symbols.link];
  const textAt = (offset) => text(bytes, strings.offset + offset);
  const versions = readVersions(bytes, find(SECTION.versionNeeds), textAt);
  return {
    machine: MACHINES[bytes.readUInt16LE(18)] ?? 'other',
    needed: readNeeded(bytes, find(SECTION.dynamic), textAt),
    symbols: readSymbols(bytes, symbols, find(SECTION.symbolVersions), versions, textAt),
  };
}

function text(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at));
}

function readSections(bytes) {
  const start = Number(bytes.readBigUInt64LE(40));
  const size = bytes.readUInt16LE(58);
  return Array.from({ length: bytes.readUInt16LE(60) }, (_, index) => {
    const at = start + index * size;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      sizeBytes: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40),
      info: bytes.readUInt32LE(at + 44),
    };
  });
}

function readNeeded(bytes, section, textAt) {
  const names = [];
  for (let at = section.offset; at < section.offset + section.sizeBytes; at += DYNAMIC_ENTRY_BYTES) {
    if (Number(bytes.readBigUInt64LE(at)) === TAG_NEEDED) names.push(textAt(Number(bytes.readBigUInt64LE(at + 8))));
  }
  return names;
}

/** Number of a version as the symbols name it -> "GLIBC_2.17". */
function readVersions(bytes, section, textAt) {
  const versions = new Map();
  let library = section?.offset ?? 0;
  for (let left = section?.info ?? 0; left > 0; left--) {
    let entry = library + bytes.readUInt32LE(library + 8);
    for (let count = bytes.readUInt16LE(library + 2); count > 0; count--) {
      versions.set(bytes.readUInt16LE(entry + 6) & VERSION_MASK, textAt(bytes.readUInt32LE(entry + 8)));
      entry += bytes.readUInt32LE(entry + 12);
    }
    library += bytes.readUInt32LE(library + 12);
  }
  return versions;
}

function readSymbols(bytes, section, versionSection, versions, textAt) {
  const symbols = [];
  // Those before `info` are local.
  for (let index = section.info; index < section.sizeBytes / SYMBOL_BYTES; index++) {
    const at = section.offset + index * SYMBOL_BYTES;
    const version = versionSection ? bytes.readUInt16LE(versionSection.offset + 2 * index) & VERSION_MASK : 0;
    symbols.push({
      name: textAt(bytes.readUInt32LE(at)),
      version: versions.get(version) ?? '',
      isDefined: bytes.readUInt16LE(at + 6) !== 0,
      isWeak: bytes[at + 4] >> 4 === BINDING_WEAK,
    });
  }
  return symbols;
}

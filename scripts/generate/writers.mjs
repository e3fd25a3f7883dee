// Writers: one function a message or struct, one for each array of structs.
import { defineFlexible, differs, flexibleIn, versionIn } from './expressions.mjs';
import { intersect, isEmpty } from './schema.mjs';

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const sizedKinds = new Set(['string', 'bytes', 'records']);

function writeCall(field, value, nullable, compact, isTagged = false) {
  if (field.kind === 'struct') {
    const { typeName, writerTakesVersion } = field.struct;
    const version = writerTakesVersion || (field.isArray && field.struct.arrayTakesVersion) ? ', version' : '';
    if (field.isArray) return `write${nullable ? 'Nullable' : ''}${typeName}Array(writer, ${value}${version});`;
    const write = `write${typeName}(writer, ${value}${version});`;
    return nullable ? `writer.${isTagged ? 'taggedStructPresent' : 'structPresent'}(${value} !== null);\n  if (${value} !== null) ${write}` : write;
  }
  if (field.isArray) return `writer.${nullable ? `nullable${capital(field.kind)}` : field.kind}Array(${value}, ${compact});`;
  if (!sizedKinds.has(field.kind)) return `writer.${field.kind === 'bool' ? 'boolean' : field.kind}(${value});`;
  return `writer.${nullable ? `nullable${capital(field.kind)}` : field.kind}(${value}, ${compact});`;
}

/** The statements that write a field in versions in which it is present, `context`. */
function presentStatement(field, label, context, flexible, isTagged = false) {
  const compact = field.neverFlexible ? 'false' : flexible;
  const value = `value.${field.name}`;
  const nullable = versionIn(field.nullable, context);
  if (nullable === 'true') return writeCall(field, value, true, compact, isTagged);
  if (isEmpty(field.nullable)) return writeCall(field, value, false, compact);
  const strict = writeCall(field, `presentIn(${value}, '${label}', version)`, false, compact);
  if (nullable === 'false') return strict;
  const lenient = writeCall(field, value, true, compact, isTagged);
  return `if (${nullable}) ${block(lenient)} else ${block(strict)}`;
}

const block = (statement) => `{\n${indent(statement)}\n  }`;
const indent = (text) => text.split('\n').map((line) => `    ${line.trimStart() === line ? line : line.slice(2)}`).join('\n');

function bodyStatement(field, name, unit, flexible) {
  const label = `${name}.${field.name}`;
  const condition = versionIn(field.body, unit.versions);
  const refuse = field.ignorable || field.tag !== undefined ? '' : `if (${differs(field, `value.${field.name}`)}) refuseField('${label}', version);`;
  if (condition === 'false') return refuse === '' ? '' : `  ${refuse}\n`;
  const write = presentStatement(field, label, intersect(field.body, unit.versions), flexible);
  if (condition === 'true') return `  ${write}\n`;
  const body = write.includes('\n') ? block(write) : write;
  return `  if (${condition}) ${body}${refuse === '' ? '\n' : `${write.includes('\n') ? ' ' : '\n  '}else ${refuse}\n`}`;
}

/** A tagged field outside of its versions is refused like any other. */
function tagRefusal(field, name, unit) {
  if (field.ignorable) return '';
  const condition = versionIn(field.tagged, unit.versions);
  const label = `${name}.${field.name}`;
  if (condition === 'true' || versionIn(field.body, unit.versions) !== 'false') return '';
  const set = differs(field, `value.${field.name}`);
  if (condition === 'false') return `  if (${set}) refuseField('${label}', version);\n`;
  return `  if (!(${condition}) && ${set}) refuseField('${label}', version);\n`.replace(/!\(version >= (\d+)\)/, 'version < $1');
}

function tagSection(unit, name, flexible) {
  if (flexible === 'false') return '';
  const guard = flexible === 'true' ? '' : 'if (flexible) ';
  const tags = unit.fields.filter((field) => field.tag !== undefined && !isEmpty(field.tagged)).sort((a, b) => a.tag - b.tag);
  if (tags.length === 0) return `  ${guard}writer.unknownTags(value.unknownTaggedFields);\n`;
  const context = { from: Math.max(unit.flexibleFrom, unit.versions.from), to: unit.versions.to };
  const lines = ['const unknown = value.unknownTaggedFields;', 'let count = unknown === undefined ? 0 : unknown.length;'];
  for (const field of tags) {
    const condition = versionIn(field.tagged, context);
    const set = differs(field, `value.${field.name}`);
    lines.push(`const has${capital(field.name)} = ${condition === 'true' ? set : `${condition} && ${set}`};`, `if (has${capital(field.name)}) count++;`);
  }
  lines.push('writer.unsignedVarint(count);', 'if (count > 0) {');
  let from = 0;
  for (const field of tags) {
    if (from < field.tag) lines.push(`  writer.unknownTagsBetween(unknown, ${from}, ${field.tag});`);
    from = field.tag;
    const statement = presentStatement(field, `${name}.${field.name}`, intersect(field.tagged, unit.versions), 'true', true).split('\n');
    lines.push(`  if (has${capital(field.name)}) {`, `    const mark = writer.beginTag(${field.tag});`);
    for (const part of statement) lines.push(`    ${part.trim()}`);
    lines.push('    writer.endTag(mark);', '  }');
  }
  lines.push(`  writer.unknownTagsBetween(unknown, ${from}, Infinity);`, '}');
  if (flexible === 'true') return lines.map((line) => `  ${line}\n`).join('');
  return `  if (flexible) {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`;
}

export function emitWriter(name, unit, exported) {
  const flexible = flexibleIn(unit.flexibleFrom, unit.versions);
  let body = unit.fields.map((field) => bodyStatement(field, name, unit, flexible)).join('');
  body += unit.fields.filter((field) => field.tag !== undefined).map((field) => tagRefusal(field, name, unit)).join('');
  body += tagSection(unit, name, flexible);
  const text = defineFlexible(body, unit.flexibleFrom) + body;
  unit.writerTakesVersion = /\bversion\b/.test(text.replaceAll('.version', ''));
  const version = unit.writerTakesVersion ? ', version: number' : exported ? ', _version: number' : '';
  const writer = /\bwriter\b/.test(text) ? 'writer' : '_writer';
  const value = /\bvalue\b/.test(text) ? 'value' : '_value';
  return `${exported ? 'export ' : ''}function write${name}(${writer}: Writer, ${value}: ${name}${version}): void {\n${text}}\n`;
}

export function emitArrayWriter(struct, nullable) {
  const { typeName } = struct;
  const flexible = flexibleIn(struct.flexibleFrom, struct.versions);
  const compact = flexible === 'flexible' ? `version >= ${struct.flexibleFrom}` : flexible;
  const element = `write${typeName}(writer, values[i]!${struct.writerTakesVersion ? ', version' : ''});`;
  const none = nullable ? `  if (values === null) {\n    writer.arrayLength(-1, ${compact});\n    return;\n  }\n` : '';
  const text = `${none}  writer.arrayLength(values.length, ${compact});\n  for (let i = 0; i < values.length; i++) ${element}\n`;
  const version = /\bversion\b/.test(text) ? ', version: number' : '';
  const type = `readonly ${typeName}[]${nullable ? ' | null' : ''}`;
  return `function write${nullable ? 'Nullable' : ''}${typeName}Array(writer: Writer, values: ${type}${version}): void {\n${text}}\n`;
}

// Interfaces and factories.
import { defaultOf, differs, typeOf } from './expressions.mjs';
import { intersect } from './schema.mjs';

function span(range, context) {
  const inside = intersect(range, context);
  if (inside.from <= context.from && inside.to >= context.to) return '';
  if (inside.to >= context.to) return `  /** Since version ${inside.from}. */\n`;
  if (inside.from === inside.to) return `  /** Version ${inside.from} only. */\n`;
  return `  /** Versions ${inside.from} to ${inside.to}. */\n`;
}

export function emitInterface(name, unit, about) {
  const tagged = unit.flexibleFrom <= unit.versions.to ? ' extends Tagged' : '';
  const fields = unit.fields.map((field) => `${span(field.versions, unit.versions)}  ${field.name}: ${typeOf(field)};\n`).join('');
  return `${about}export interface ${name}${tagged} {${fields === '' ? '' : `\n${fields}`}}\n`;
}

/** `makeX(partial)`: callers name only what differs from the default. */
export function emitFactory(name, unit) {
  const fields = unit.fields.map((field) => `    ${field.name}: ${defaultOf(field)},\n`).join('');
  return `export function make${name}(fields: Partial<${name}> = {}): ${name} {\n  return {\n${fields}    ...fields,\n  };\n}\n`;
}

export function emitIsDefault(name, unit) {
  const checks = unit.fields.map((field) => `!(${differs(field, `value.${field.name}`)})`);
  if (unit.flexibleFrom <= unit.versions.to) checks.push('value.unknownTaggedFields === undefined');
  return `function isDefault${name}(value: ${name}): boolean {\n  return ${checks.map(simplify).join(' && ')};\n}\n`;
}

function simplify(check) {
  return check
    .replace(/^!\((value\.\w+) !== (.+)\)$/, '$1 === $2')
    .replace(/^!\((value\.\w+\.length) !== 0\)$/, '$1 === 0')
    .replace(/^!\(!(.+)\)$/, '$1')
    .replace(/^!\((value\.\w+)\)$/, '!$1');
}

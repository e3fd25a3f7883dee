/**
 * The part of vitest that the contract suites use, in plain JavaScript: they are bundled with this instead, into one file that any Node of any processor can run
 * with nothing installed. Runs when the file has been read to its end; prints `N passed, N failed` and what failed.
 */
import { ASYMMETRIC_MATCHERS_OBJECT, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from '@vitest/expect';
import * as chai from 'chai';

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
export const expect = Object.assign((value, message) => chai.expect(value, message), chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);

const newGroup = (name, parent) => ({ name, parent, before: [], after: [], tests: [] });
const everyTest = [];
let group = newGroup('', null);

export function describe(name, body) {
  const outer = group;
  group = newGroup(`${outer.name}${name} > `, outer);
  body();
  group = outer;
}

export function it(name, body) {
  everyTest.push({ name: `${group.name}${name}`, group, body });
}

export const beforeEach = (hook) => void group.before.push(hook);
export const afterEach = (hook) => void group.after.unshift(hook);

const nothing = () => {};
describe.each = (rows) => (name, body) => rows.forEach((row) => describe(titled(name, row), () => body(...argumentsOf(row))));
it.each = (rows) => (name, body) => rows.forEach((row) => it(titled(name, row), () => body(...argumentsOf(row))));
it.skipIf = (condition) => (condition ? nothing : it);
describe.skipIf = (condition) => (condition ? nothing : describe);

const argumentsOf = (row) => (Array.isArray(row) ? row : [row]);

function titled(name, row) {
  let next = 0;
  return name.replace(/%[sdj]/g, () => String(argumentsOf(row)[next++])).replace(/\$(\w+)/g, (_whole, key) => String(row[key]));
}

function chain(innermost) {
  const groups = [];
  for (let at = innermost; at !== null; at = at.parent) groups.unshift(at);
  return groups;
}

async function runTest({ group: innermost, body }) {
  const groups = chain(innermost);
  const ended = [];
  try {
    for (const { before } of groups) {
      for (const hook of before) {
        const end = await hook();
        if (typeof end === 'function') ended.push(end);
      }
    }
    await body();
  } finally {
    for (const { after } of groups.toReversed()) for (const hook of after) await hook();
    for (const end of ended.toReversed()) await end();
  }
}

async function runAll() {
  let failed = 0;
  for (const test of everyTest) {
    try {
      await runTest(test);
    } catch (error) {
      failed++;
      console.log(`FAILED ${test.name}\n${error?.stack ?? error}`);
    }
  }
  console.log(`${everyTest.length - failed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || everyTest.length === 0 ? 1 : 0;
}

setImmediate(() => void runAll());

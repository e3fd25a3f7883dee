/** examples/audit-log, which uses tidelog/storage alone, in a folder of its own with the tarball beside it. */
import { cpSync, mkdtempSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../setup/stamps.mjs';
import { expectSame, installInto, runNode } from './machine.mjs';

export function runStorageExample(context) {
  const folder = path.join(context.folder, 'audit-log');
  cpSync(path.join(root, 'examples/audit-log'), folder, { recursive: true });
  installInto(folder, context);
  for (const node of context.nodes) context.say(`${node.name}: ${walkAuditLog(folder, node, context.folder)}`);
}

/** Returns which core ran. */
export function walkAuditLog(folder, node, scratch) {
  const books = path.join(mkdtempSync(path.join(scratch, 'books-')), 'store');
  const say = (...args) => runNode(node, ['src/main.mjs', books, ...args], { cwd: folder }).trim();
  expectSame(say('book', 'alice', '100', 'teller-1'), 'entry 0', 'the first booking');
  expectSame(say('book', 'bob', '7'), 'entry 1', 'the second booking');
  expectSame(say('save'), 'saved, the next start replays less', 'saving');
  expectSame(say('book', 'alice', '-30'), 'entry 2', 'the third booking');
  expectSame(say('balance', 'alice'), '70', 'the balance');
  expectSame(say('verify'), 'every entry is as it was written', 'the verification');
  expectSame(say('latest', '2').split('\n').length, 2, 'the number of newest entries');
  say('backup', `${books}-backup`);
  // In this process, without --test: under emulation a child process would not start.
  const tests = runNode(node, ['test/auditLog.test.mjs'], { cwd: folder });
  const [, passed] = /^(?:# |ℹ )pass (\d+)$/m.exec(tests) ?? [];
  if (!(Number(passed) > 0)) throw new Error(`the example's own tests did not say how many passed:\n${tests}`);
  return `bookings, balance, chain and backup are right, ${passed} own tests pass; ${coreInUse(folder, node)}`;
}

/** The addon that the process has loaded, by the list of its libraries. */
export function coreInUse(folder, node) {
  const script = `
    import { openLogs } from 'tidelog/storage';
    import { mkdtempSync, rmSync } from 'node:fs';
    const folder = mkdtempSync('core-');
    const logs = await openLogs(folder + '/store');
    await logs.close();
    rmSync(folder, { recursive: true });
    process.report.excludeNetwork = true;
    console.log(process.report.getReport().sharedObjects.find((file) => file.endsWith('tidelog.node')) ?? 'WASM');`;
  const loaded = runNode(node, ['--input-type=module', '-e', script], { cwd: folder }).trim();
  const wanted = `prebuilds/linux-${node.arch}-glibc/tidelog.node`;
  if (process.platform === 'linux' && !loaded.endsWith(wanted)) throw new Error(`the core in use is ${loaded} instead of ${wanted}`);
  return `core ${path.basename(path.dirname(loaded))}`;
}

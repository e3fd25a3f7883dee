import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openLogs, openLogsReadOnly } from 'tidelog/storage';
import { openAuditLog } from '../src/auditLog.mjs';

const withFolder = async (work) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'audit-log-'));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test('entries survive, balances follow, the chain holds', () =>
  withFolder(async (folder) => {
    const store = path.join(folder, 'store');
    let audit = await openAuditLog(store);
    for (let index = 0; index < 100; index += 1) await audit.book(`account ${index % 4}`, index, 'test');
    assert.equal(audit.balance('account 1'), 1225);
    await audit.saveState();
    await audit.book('account 1', 5, 'test');
    await audit.close();
    audit = await openAuditLog(store);
    assert.deepEqual([audit.replayedFrom, audit.balance('account 1')], [100, 1230]);
    assert.equal(await audit.verifyChain(), -1);
    assert.deepEqual((await audit.latest(2)).map(({ offset, amount }) => [offset, amount]), [[100, 5], [99, 99]]);
    await audit.close();
  }));

test('a forged entry is found', () =>
  withFolder(async (folder) => {
    const store = path.join(folder, 'store');
    const audit = await openAuditLog(store);
    await audit.book('a', 1, 'test');
    await audit.close();
    const logs = await openLogs(store);
    await (await logs.open('entries')).append({ value: JSON.stringify({ account: 'a', amount: 1_000_000, who: 'nobody' }), headers: [{ key: 'hash', value: 'x' }] }).durable;
    await logs.close();
    const after = await openAuditLog(store);
    assert.equal(await after.verifyChain(), 1);
    await after.close();
  }));

test('others read and follow it, and a backup is made, while it is written', () =>
  withFolder(async (folder) => {
    const store = path.join(folder, 'store');
    const audit = await openAuditLog(store);
    for (let index = 0; index < 10; index += 1) await audit.book('a', index, 'test');
    const ending = new AbortController();
    const followed = (async () => {
      let count = 0;
      for await (const record of audit.follow(ending.signal)) {
        count += 1;
        if (record.offset === 19) ending.abort();
      }
      return count;
    })();
    const [backup] = await Promise.all([
      audit.backup(path.join(folder, 'backup')),
      (async () => {
        for (let index = 10; index < 20; index += 1) await audit.book('a', index, 'test');
      })(),
    ]);
    assert.equal(await followed, 20);
    const taken = backup.find(({ name }) => name === 'entries').endOffset;
    assert.ok(taken >= 10);
    const reader = await openLogsReadOnly(path.join(folder, 'backup'));
    let records = 0;
    for await (const _ of (await reader.open('entries')).read()) records += 1;
    assert.equal(records, taken);
    await reader.close();
    await audit.close();
    assert.ok(readdirSync(store).includes('.kafka_cleanshutdown'));
    assert.match(readFileSync(path.join(folder, 'backup', 'tidelog-snapshot'), 'utf8'), /whole/);
  }));

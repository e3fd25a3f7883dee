/**
 * A tamper-evident audit log: each entry holds the hash of the one before it, so that nobody can change, drop or insert an entry unseen. Beside it a
 * compacted log of snapshots keeps the newest state of each account, so that a start replays only what came after.
 */
import { createHash } from 'node:crypto';
import { openLogs } from 'tidelog/storage';

const GENESIS = '0'.repeat(64);
const hashOf = (previous, value) => createHash('sha256').update(previous).update(value).digest('hex');

export async function openAuditLog(folder) {
  const logs = await openLogs(folder);
  // Nobody reads an entry that a crash could still take back.
  const entries = await logs.open('entries', { durability: 'everyAppend' });
  const accounts = await logs.open('accounts', { cleanupPolicy: { delete: false, compact: true } });
  const audit = new AuditLog(logs, entries, accounts);
  await audit.replay();
  return audit;
}

export class AuditLog {
  #logs;
  #entries;
  #accounts;
  #balances = new Map();
  #previousHash = GENESIS;
  #replayedFrom = 0;

  constructor(logs, entries, accounts) {
    this.#logs = logs;
    this.#entries = entries;
    this.#accounts = accounts;
  }

  /** State of the newest snapshots, then the entries behind them. */
  async replay() {
    for await (const record of this.#accounts.read()) {
      const { nextOffset, balance } = JSON.parse(record.value);
      this.#balances.set(String(record.key), balance);
      this.#replayedFrom = Math.max(this.#replayedFrom, nextOffset);
    }
    for await (const record of this.#entries.readBackwards({ from: this.#replayedFrom })) {
      this.#previousHash = hashIn(record);
      break;
    }
    for await (const record of this.#entries.read({ from: this.#replayedFrom })) this.#apply(record);
  }

  #apply(record) {
    const { account, amount } = JSON.parse(record.value);
    this.#balances.set(account, (this.#balances.get(account) ?? 0) + amount);
    this.#previousHash = hashIn(record);
  }

  /** Resolves when the entry survives a crash. */
  async book(account, amount, who) {
    const value = JSON.stringify({ account, amount, who });
    const hash = hashOf(this.#previousHash, value);
    this.#previousHash = hash;
    const { firstOffset } = await this.#entries.append({ key: account, value, headers: [{ key: 'hash', value: hash }] }).durable;
    this.#balances.set(account, (this.#balances.get(account) ?? 0) + amount);
    return firstOffset;
  }

  balance(account) {
    return this.#balances.get(account) ?? 0;
  }

  /** Offset of the entry from which the last start replayed. */
  get replayedFrom() {
    return this.#replayedFrom;
  }

  /** Keeps the state of now; the next start replays what comes after. */
  async saveState() {
    const nextOffset = this.#entries.readableOffset;
    const states = [...this.#balances].map(([account, balance]) => ({ key: account, value: JSON.stringify({ nextOffset, balance }) }));
    if (states.length > 0) await this.#accounts.append(states).durable;
    await this.#accounts.compact();
  }

  /** Offset of the first entry whose chain is broken, -1 when all is well. */
  async verifyChain() {
    let previous = GENESIS;
    for await (const record of this.#entries.read()) {
      const hash = hashIn(record);
      if (hash !== hashOf(previous, record.value)) return record.offset;
      previous = hash;
    }
    return -1;
  }

  /** The newest entries, newest first. */
  async latest(count) {
    const found = [];
    for await (const record of this.#entries.readBackwards()) {
      found.push({ offset: record.offset, at: new Date(record.timestampMs), ...JSON.parse(record.value) });
      if (found.length === count) break;
    }
    return found;
  }

  /** Entries as they come, until `signal` fires. */
  follow(signal) {
    return this.#entries.tail({ from: 'start', signal });
  }

  backup(folder) {
    return this.#logs.snapshot(folder);
  }

  close() {
    return this.#logs.close();
  }
}

const hashIn = (record) => String(record.headers.find(({ key }) => key === 'hash')?.value ?? '');

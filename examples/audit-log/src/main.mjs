/** node src/main.mjs FOLDER book ACCOUNT AMOUNT WHO | balance ACCOUNT | latest [COUNT] | verify | save | backup FOLDER */
import { openAuditLog } from './auditLog.mjs';

const [folder, command, ...rest] = process.argv.slice(2);
const commands = {
  book: async (audit, [account, amount, who = 'somebody']) => `entry ${await audit.book(account, Number(amount), who)}`,
  balance: async (audit, [account]) => String(audit.balance(account)),
  latest: async (audit, [count = '10']) => (await audit.latest(Number(count))).map((entry) => JSON.stringify(entry)).join('\n'),
  verify: async (audit) => {
    const broken = await audit.verifyChain();
    if (broken >= 0) process.exitCode = 1;
    return broken < 0 ? 'every entry is as it was written' : `the chain is broken at entry ${broken}`;
  },
  save: async (audit) => `saved, ${await audit.saveState().then(() => 'the next start replays less')}`,
  backup: async (audit, [target]) => JSON.stringify(await audit.backup(target)),
};

if (folder === undefined || !Object.hasOwn(commands, command ?? '')) {
  console.error('usage: main.mjs FOLDER book ACCOUNT AMOUNT WHO | balance ACCOUNT | latest [COUNT] | verify | save | backup FOLDER');
  process.exit(64);
}
const audit = await openAuditLog(folder);
try {
  console.log(await commands[command](audit, rest));
} finally {
  await audit.close();
}

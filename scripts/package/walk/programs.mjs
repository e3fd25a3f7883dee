/** The programs that the package brings, as npm links them: a broker, and tools against it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { expectSame, installInto, mustRun } from './machine.mjs';

const START_LIMIT_MS = 120_000;

export async function runPrograms(context) {
  const folder = path.join(context.folder, 'programs');
  installInto(folder, context);
  for (const node of context.nodes) {
    const program = (name) => ({ command: path.join(folder, 'node_modules/.bin', name), args: [] });
    context.say(`${node.name}: ${await walkBroker(folder, node, program, context.folder)}`);
  }
}

/** As runPrograms, where a file cannot be started by itself: `program(name)` says how. Returns what was seen. */
export async function walkBroker(folder, node, program, scratch) {
  const port = await freePort();
  const bootstrap = `127.0.0.1:${port}`;
  const tool = (name, args, input) => {
    const { command, args: words } = program(name);
    return mustRun(command, [...words, ...args], { cwd: folder, env: node.env, ...(input !== undefined && { input }) });
  };
  if (!/^  topics$/m.test(tool('tidelog', ['help']))) throw new Error('tidelog help does not list the tools');
  const broker = await startBroker(program('kafka-server-start'), { folder, node, bootstrap, data: mkdtempSync(path.join(scratch, 'data-')) });
  try {
    const server = ['--bootstrap-server', bootstrap];
    tool('kafka-topics', [...server, '--create', '--topic', 'greetings', '--partitions', '2']);
    expectSame(tool('kafka-topics', [...server, '--list']).trim(), 'greetings', 'the list of topics');
    tool('kafka-console-producer', [...server, '--topic', 'greetings', '--compression-codec', 'zstd'], 'hello, log\n');
    expectSame(tool('kafka-console-consumer', [...server, '--topic', 'greetings', '--from-beginning', '--max-messages', '1']).trim(), 'hello, log', 'the record');
  } finally {
    broker.child.kill('SIGTERM');
  }
  const [code] = await once(broker.child, 'exit');
  expectSame(code, 0, 'the exit code of the broker');
  return `a broker and four tools work; "${broker.core}"`;
}

/** Waits for the line that says which core runs, and until the port answers. */
async function startBroker({ command, args }, { folder, node, bootstrap, data }) {
  const settings = ['--override', `listeners=PLAINTEXT://${bootstrap}`, '--override', `log.dirs=${data}`];
  const child = spawn(command, [...args, ...settings], { cwd: folder, env: node.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the broker did not start:\n${text}`)), START_LIMIT_MS);
    const read = (bytes) => {
      text += bytes;
      if (!/core: [^\n]*\n/.test(text) || !text.includes(bootstrap)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}:\n${text}`)));
  });
  const [core] = /core: [^\n]*/.exec(text);
  if (process.platform === 'linux' && !core.includes(`prebuilt linux-${node.arch}-glibc`)) throw new Error(`the broker says "${core}"`);
  return { child, core };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

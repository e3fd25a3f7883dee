/** The command-line tools as processes, against a broker process. */
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, projectRoot, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaToolsAvailable, startRealKafka } from './support/java.ts';
import { JavaCalls } from './support/javaCalls.ts';
import { run, skipLoudly, type RunResult } from './support/run.ts';
import { toolCases } from './support/toolCases.ts';
import { compareLine, program } from './support/toolComparison.ts';

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker?.close();
});

const call = (tool: string, args: readonly string[], input: string | Buffer = ''): Promise<RunResult> => run(process.execPath, [program(tool), '--bootstrap-server', broker.address, ...args], { input });

/** What a shell makes of the text. */
const shell = (script: string): Promise<RunResult> => run('bash', ['-c', script], { env: { B: broker.address, BIN: path.join(projectRoot, 'bin') } });

describe('the tools', () => {
  it('do what the first steps of every guide show', async () => {
    expect((await shell('$BIN/kafka-topics --create --topic quickstart --bootstrap-server $B')).stdout).toBe('Created topic quickstart.\n');
    expect((await shell('$BIN/kafka-topics --describe --topic quickstart --bootstrap-server $B')).stdout).toMatch(/^Topic: quickstart\tTopicId: \S+\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: \S*\n\tTopic: quickstart\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1/);
    expect((await shell('printf "first\\nsecond\\n" | $BIN/kafka-console-producer --topic quickstart --broker-list $B')).code).toBe(0);
    const consumed = await shell('$BIN/kafka-console-consumer --topic quickstart --from-beginning --bootstrap-server $B --max-messages 2');
    expect([consumed.code, consumed.stdout, consumed.stderr]).toEqual([0, 'first\nsecond\n', 'Processed a total of 2 messages\n']);
  });

  it('bring a million lines in and the same million lines out', async () => {
    const lines = Array.from({ length: 1_000_000 }, (_, index) => `${index} ${'line '.repeat(index % 7)}`).join('\n') + '\n';
    const input = Buffer.from(lines);
    const produced = await call('kafka-console-producer', ['--topic', 'million'], input);
    expect([produced.code, produced.stderr]).toEqual([0, '']);
    const consumed = await call('kafka-console-consumer', ['--topic', 'million', '--from-beginning', '--max-messages', '1000000']);
    expect(consumed.stderr).toBe('Processed a total of 1000000 messages\n');
    expect(consumed.stdout === lines).toBe(true);
  });

  it('carry keys', async () => {
    await call('kafka-console-producer', ['--topic', 'keyed', '--property', 'parse.key=true', '--property', 'key.separator=-'], 'a-1\nb-2\n');
    expect((await call('kafka-console-consumer', ['--topic', 'keyed', '--from-beginning', '--max-messages', '2', '--property', 'print.key=true'])).stdout).toBe('a\t1\nb\t2\n');
  });

  it('leave a group on SIGINT, with what was printed committed', async () => {
    await call('kafka-console-producer', ['--topic', 'grouped'], '1\n2\n3\n');
    const child = spawn(process.execPath, [program('kafka-console-consumer'), '--bootstrap-server', broker.address, '--topic', 'grouped', '--group', 'signalled', '--from-beginning'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    for await (const piece of child.stdout) {
      output += String(piece);
      if (output.endsWith('3\n')) child.kill('SIGINT');
    }
    expect([await ended, output, errors]).toEqual([130, '1\n2\n3\n', 'Processed a total of 3 messages\n']);
    await call('kafka-console-producer', ['--topic', 'grouped'], '4\n');
    // at once, not after the session of a member that is gone
    expect((await call('kafka-console-consumer', ['--topic', 'grouped', '--group', 'signalled', '--max-messages', '1', '--from-beginning'])).stdout).toBe('4\n');
  });

  it('end with the reader of their output', async () => {
    const { stdout, stderr, code } = await shell('set -o pipefail; $BIN/kafka-console-consumer --topic million --from-beginning --bootstrap-server $B | head -n 2');
    expect(stdout.split('\n')).toHaveLength(3);
    expect(stderr).toMatch(/^Processed a total of \d+ messages\n$/);
    expect(code).toBe(0);
  });

  it('deliver to a broker that is killed and started again meanwhile, each line once', async () => {
    const folder = await temporaryFolder('tools');
    let own = await startBroker({ dataFolder: folder });
    const { port, address } = own;
    const child = spawn(process.execPath, [program('kafka-console-producer'), '--bootstrap-server', address, '--topic', 'restart', '--message-send-max-retries', '1000', '--timeout', '5'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    const lines = Array.from({ length: 40_000 }, (_, index) => `line ${index}\n`);
    for (let from = 0; from < lines.length; from += 1000) {
      child.stdin.write(lines.slice(from, from + 1000).join(''));
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (from !== 15_000) continue;
      await own.kill('SIGKILL');
      own = await startBroker({ dataFolder: folder, port });
    }
    child.stdin.end();
    expect(await ended).toBe(0);
    expect(errors).not.toContain('ERROR');
    const consumed = await run(process.execPath, [program('kafka-console-consumer'), '--bootstrap-server', address, '--topic', 'restart', '--from-beginning', '--timeout-ms', '2000']);
    expect(consumed.stdout === lines.join('')).toBe(true);
    await own.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('name the nearest flag, and what to type instead of --zookeeper', async () => {
    const wrong = await call('kafka-topics', ['--lisst']);
    expect([wrong.code, wrong.stderr.split('\n')[0]]).toEqual([1, 'lisst is not a recognized option. Did you mean --list?']);
    for (const tool of ['kafka-topics', 'kafka-console-producer', 'kafka-console-consumer']) {
      const old = await call(tool, ['--zookeeper', 'localhost:2181']);
      expect(old.code).toBe(1);
      expect(old.stderr).toContain('type --bootstrap-server HOST:PORT');
    }
  });
});

/** Names of tools: the others are not compared. */
const chosen = process.env['TOOLS']?.split(',');

async function differences(address: string, folder: string, hasKafkaOnly: boolean): Promise<string[]> {
  const java = new JavaCalls();
  const found: string[] = [];
  try {
    for (const toolCase of toolCases.filter(({ tool }) => chosen === undefined || chosen.includes(tool))) {
      for (const line of hasKafkaOnly ? [...toolCase.lines, ...(toolCase.kafkaOnly ?? [])] : toolCase.lines) {
        const compared = await compareLine(toolCase, line, { java, address, folder });
        if (!compared.isSame) found.push(`${compared.line}\n  java: ${JSON.stringify(compared.java)}\n  ours: ${JSON.stringify(compared.ours)}`);
      }
    }
  } finally {
    java.close();
  }
  return found;
}

/** Two topics with records and two groups without members. */
async function fill(address: string): Promise<void> {
  const use = (tool: string, words: string, input = '') => run(process.execPath, [program(tool), '--bootstrap-server', address, ...words.split(' ')], { input });
  await use('kafka-topics', '--create --topic plain');
  await use('kafka-topics', '--create --topic wide --partitions 3');
  await use('kafka-console-producer', '--topic plain', '1\n2\n3\n4\n5\n');
  await use('kafka-console-consumer', '--topic plain --group idle --from-beginning --max-messages 3');
  await use('kafka-console-consumer', '--topic plain --group other --from-beginning --max-messages 5');
}

/** What FOLDER in a line stands for. */
const files: Readonly<Record<string, string>> = {
  'records.json': '{"partitions":[{"topic":"plain","partition":0,"offset":1}],"version":1}',
  'twice.json': '{"partitions":[{"topic":"plain","partition":0,"offset":1},{"topic":"plain","partition":0,"offset":2}],"version":1}',
  'broken.json': '{"partitions":',
  'alter.properties': 'retention.ms=77777\n',
  'plan.csv': '"plain",0,2\n',
  'plan2.csv': '"idle","plain",0,1\n"other","plain",0,4\n',
  'elect.json': '{"partitions":[{"topic":"wide","partition":0},{"topic":"wide","partition":1}]}',
  'reassign.json': '{"version":1,"partitions":[{"topic":"wide","partition":0,"replicas":[1],"log_dirs":["any"]},{"topic":"wide","partition":1,"replicas":[1]}]}',
  'reassign7.json': '{"version":1,"partitions":[{"topic":"wide","partition":0,"replicas":[1,7]}]}',
  'reassignnone.json': '{"version":1,"partitions":[{"topic":"nosuch","partition":0,"replicas":[1]}]}',
  'reassignv2.json': '{"version":2,"partitions":[]}',
  'topics.json': '{"topics":[{"topic":"wide"}],"version":1}',
  'payload.txt': 'one\ntwo\nthree\n',
};

async function filesFor(folder: string): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
}

/** So that there is something to manage for kafka-acls. */
const withAuthorizer = { 'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users': 'User:ANONYMOUS' };

describe("the tools beside Java's", () => {
  it('print the same and end alike, on Apache Kafka', { timeout: 900_000 }, async () => {
    const folder = await temporaryFolder('java-tools');
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const kafka = await startRealKafka(port, folder, withAuthorizer);
    if (kafka === null) return skipLoudly('no JDK or Maven: the tools are not compared with Java\'s');
    try {
      await filesFor(folder);
      await fill(address);
      expect(await differences(address, folder, true)).toEqual([]);
    } finally {
      await kafka.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('print the same and end alike, on Tidelog', { timeout: 900_000 }, async () => {
    if (!(await javaToolsAvailable())) return skipLoudly('no JDK or Maven: the tools are not compared with Java\'s');
    const folder = await temporaryFolder('java-tools');
    const own = await startBroker({ overrides: withAuthorizer });
    try {
      await filesFor(folder);
      await fill(own.address);
      expect(await differences(own.address, folder, false)).toEqual([]);
    } finally {
      await own.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { projectRoot } from './broker.ts';
import { javaClassPath, javaCommand } from './java.ts';
import type { RunResult } from './run.ts';

const FIELD_BYTES = 4;
const MB = 1024 * 1024;
/** The tool ended the process: the exit code is that of the process. */
const OWN_EXIT = -2;

/** One process of Java that calls tool after tool, since a start of Java for each takes seconds. See clients/java/CallTools.java. */
export class JavaCalls {
  readonly #timeoutMs: number;
  #process: JavaProcess | null = null;

  /** `timeoutMs`: how long a tool may take before its code is said to be -1. */
  constructor({ timeoutMs = 60_000 }: { timeoutMs?: number } = {}) {
    this.#timeoutMs = timeoutMs;
  }

  /** One at a time. */
  async call(mainClass: string, args: readonly string[]): Promise<RunResult> {
    this.#process ??= new JavaProcess(this.#timeoutMs);
    const result = await this.#process.call([mainClass, ...args]);
    if (result.code !== OWN_EXIT) return result;
    const code = await this.#process.exited;
    this.#process = null;
    return { ...result, code };
  }

  close(): void {
    this.#process?.kill();
    this.#process = null;
  }
}

class JavaProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<number | null>;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (result: RunResult) => void; reject: (error: Error) => void } | null = null;
  #complaints = '';

  constructor(timeoutMs: number) {
    const program = path.join(projectRoot, 'test/interop/clients/java/CallTools.java');
    const words = [`-DtimeoutMs=${timeoutMs}`, '-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', javaClassPath(), program];
    this.#child = spawn(javaCommand(), words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.on('error', () => {});
    this.#child.stdout?.on('data', (piece: Buffer) => this.#take(piece));
    this.#child.stderr?.on('data', (piece: Buffer) => (this.#complaints = (this.#complaints + piece.toString()).slice(-MB)));
    this.exited = new Promise((resolve) => this.#child.once('close', (code) => resolve(code)));
    void this.exited.then(() => this.#waiting?.reject(new Error(`the process of Java's tools ended:\n${this.#complaints}`)));
  }

  call(words: readonly string[]): Promise<RunResult> {
    const texts = words.map((word) => Buffer.from(word));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.stdin?.write(Buffer.concat([uint32(texts.length), ...texts.flatMap((text) => [uint32(text.length), text])]));
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(piece: Buffer): void {
    this.#received = Buffer.concat([this.#received, piece]);
    const result = resultIn(this.#received);
    if (result === null) return;
    this.#received = Buffer.alloc(0);
    this.#waiting?.resolve(result);
    this.#waiting = null;
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(FIELD_BYTES);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** null: not all of it is there. */
function resultIn(bytes: Buffer): RunResult | null {
  let at = FIELD_BYTES;
  const texts: string[] = [];
  for (let index = 0; index < 2; index++) {
    if (bytes.length < at + FIELD_BYTES) return null;
    const end = at + FIELD_BYTES + bytes.readInt32BE(at);
    if (bytes.length < end) return null;
    texts.push(bytes.toString('utf8', at + FIELD_BYTES, end));
    at = end;
  }
  return { code: bytes.readInt32BE(0), stdout: texts[0] as string, stderr: texts[1] as string };
}

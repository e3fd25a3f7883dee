/**
 * Asks the table of APIs, principals and resources of a real Kafka, and compares with what is kept of its answers (or writes them, with UPDATE=1). Needs
 * TIDELOG_KAFKA_ACCESS=host:port:saslPort of a broker with StandardAuthorizer, super user User:ANONYMOUS, a PLAINTEXT listener on port, and on saslPort one of
 * SASL_PLAINTEXT with PLAIN that knows alice with the password alice-secret.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { decodeResponse, encodeRequest } from '../../src/protocol/framing.ts';
import { Writer } from '../../src/protocol/writer.ts';
import { askTable, callOf, keep, unkeep } from '../broker/security/accessRunner.ts';
import type { Call, KeptAnswers } from '../broker/security/accessRunner.ts';

const [host = '', port = '', saslPort = ''] = (process.env['TIDELOG_KAFKA_ACCESS'] ?? '').split(':');
const file = new URL('../broker/security/kafkaAnswers.json', import.meta.url);
if (host === '') console.warn('SKIPPED: the answers of a real Kafka; set TIDELOG_KAFKA_ACCESS=host:port:saslPort');

let correlationIds = 0;

/** One request at a time on one connection, opened again when the broker has closed it. */
class Asker {
  #socket: Socket | null = null;
  readonly #port: number;
  readonly #user: string | null;

  constructor(portNumber: number, user: string | null) {
    this.#port = portNumber;
    this.#user = user;
  }

  readonly ask = async (call: Call): Promise<unknown> => {
    if (this.#socket === null || this.#socket.destroyed) await this.#open();
    return this.#send(call);
  };

  async #open(): Promise<void> {
    const socket = connect(this.#port, host);
    this.#socket = socket;
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    if (this.#user === null) return;
    await this.#send(callOf('SaslHandshake', 1, { mechanism: 'PLAIN' }));
    const login = await this.#send(callOf('SaslAuthenticate', 2, { authBytes: Buffer.from(`\0${this.#user}\0${this.#user}-secret`) })) as { errorCode: number };
    if (login.errorCode !== 0) throw new Error('the login failed');
  }

  #send({ apiKey, version, body, request, response }: Call): Promise<unknown> {
    const correlationId = ++correlationIds;
    const writer = new Writer();
    encodeRequest(writer, { apiKey, apiVersion: version, correlationId, clientId: 'table', body, write: (w: Writer, value: object, v: number) => request.write(w, value, v) });
    const socket = this.#socket!;
    socket.write(writer.takeBuffer());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to API ${apiKey}: ${JSON.stringify(body)}`)), 30_000);
      let bytes = Buffer.alloc(0);
      const end = (): void => {
        clearTimeout(timer);
        socket.off('data', onData);
        resolve(null);
      };
      const onData = (chunk: Buffer): void => {
        bytes = Buffer.concat([bytes, chunk]);
        if (bytes.length < 4 || bytes.length < 4 + bytes.readInt32BE(0)) return;
        clearTimeout(timer);
        socket.off('data', onData).off('close', end);
        resolve(decodeResponse(bytes.subarray(4), { apiKey, apiVersion: version, correlationId }, (reader, v) => response.read(reader, v)));
      };
      socket.on('data', onData).once('close', end);
    });
  }

  close(): void {
    this.#socket?.destroy();
  }
}

/** A line for each group, so that a change shows. */
function textOf(kept: KeptAnswers): string {
  const entries = Object.entries(kept).map(([name, groups]) => ` ${JSON.stringify(name)}: [\n${groups.map((group) => `  ${JSON.stringify(group)}`).join(',\n')}\n ]`);
  return `{\n${entries.join(',\n')}\n}\n`;
}

describe.runIf(host !== '')('a real Kafka with access control lists', () => {
  it('answers the table as it is kept', async () => {
    const admin = new Asker(Number(port), null);
    const alice = new Asker(Number(saslPort), 'alice');
    const answers = await askTable(admin.ask, alice.ask, () => new Promise((resolve) => void setTimeout(resolve, 300)));
    admin.close();
    alice.close();
    if (process.env['UPDATE'] === '1') {
      writeFileSync(file, textOf(keep(answers)));
      return;
    }
    for (const [name, wanted] of Object.entries(unkeep(JSON.parse(readFileSync(file, 'utf8')) as KeptAnswers))) {
      if (answers[name] === undefined) console.warn(`not served: ${name}`);
      else expect.soft(answers[name], name).toEqual(wanted);
    }
  }, 1_200_000);
});

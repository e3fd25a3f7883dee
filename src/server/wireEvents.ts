import type { TlsPeer, WireHandler } from '../base/wire.ts';
import type { Connection } from './connection.ts';

/** The wire's side of a connection: its `onClose` has another meaning than the one that handlers know. */
export class WireEvents implements WireHandler {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  onBytes(bytes: Buffer): void {
    this.#connection.onBytes(bytes);
  }

  nextReadBuffer(): Buffer | null {
    return this.#connection.nextReadBuffer();
  }

  onSecured(peer: TlsPeer): void {
    this.#connection.onSecured(peer);
  }

  onDrain(): void {
    this.#connection.onDrain();
  }

  onClose(error?: Error): void {
    this.#connection.onWireClosed(error);
  }
}

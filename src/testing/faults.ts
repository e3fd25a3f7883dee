/** Faults that a test scripts: what happens to the next requests of some kind. */
import type { Clock } from '../base/ports.ts';
import type { Broker, ClientConnection, ReplySlot, RequestSink } from '../broker/index.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { ApiKey } from '../protocol/generated/apis.ts';

export interface Fault {
  /** Kafka's name of the API, such as `Produce`; any if absent. */
  readonly api?: keyof typeof ApiKey;
  /** Requests of this client only. */
  readonly clientId?: string;
  /** How many requests it hits, 1 if absent. */
  readonly times?: number;
  /** Milliseconds on the broker's clock before the request is looked at; goes with each of the others. */
  readonly delayMs?: number;
  /**
   * What happens then. `disconnect`: the connection is closed before the request is done. `loseReply`: it is done, and the connection is closed instead of a reply. `hang`: neither is
   * it done nor answered. An error code's name: it is not done and answered so. Absent: it is done.
   */
  readonly outcome?: 'disconnect' | 'loseReply' | 'hang' | keyof typeof ErrorCode;
}

/** A fault that was scripted. */
export interface ScriptedFault {
  /** Requests that it has hit so far. */
  readonly hits: number;
  remove(): void;
}

interface Entry extends Fault {
  hits: number;
}

const HEADER_BYTES = 10;

/** Stands between the server and the broker. */
export class Faults implements RequestSink {
  readonly #clock: Clock;
  readonly #entries = new Set<Entry>();
  #broker: Broker | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The broker whose requests these are; again after a restart. */
  standBefore(broker: Broker): RequestSink {
    this.#broker = broker;
    return this;
  }

  add(fault: Fault): ScriptedFault {
    if (fault.api !== undefined && !(fault.api in ApiKey)) throw new RangeError(`Kafka has no API ${fault.api}`);
    const known = ['disconnect', 'loseReply', 'hang', undefined];
    if (!known.includes(fault.outcome) && !((fault.outcome as string) in ErrorCode)) throw new RangeError(`Kafka has no error ${fault.outcome}`);
    const entry: Entry = { ...fault, hits: 0 };
    this.#entries.add(entry);
    return {
      get hits() {
        return entry.hits;
      },
      remove: () => void this.#entries.delete(entry),
    };
  }

  clear(): void {
    this.#entries.clear();
  }

  onRequest(frame: Buffer, connection: ClientConnection, slot: ReplySlot): void {
    const broker = this.#broker!;
    const entry = this.#entries.size === 0 ? undefined : this.#find(frame);
    if (entry === undefined) return broker.onRequest(frame, connection, slot);
    entry.hits++;
    if (entry.hits >= (entry.times ?? 1)) this.#entries.delete(entry);
    if (entry.delayMs === undefined) return meet(entry, broker, frame, connection, slot);
    // Frames are borrowed.
    const kept = Buffer.from(frame);
    this.#clock.setTimer(entry.delayMs, () => meet(entry, broker, kept, connection, slot));
  }

  #find(frame: Buffer): Entry | undefined {
    if (frame.length < HEADER_BYTES) return undefined;
    const apiKey = frame.readInt16BE(0);
    const length = frame.readInt16BE(HEADER_BYTES - 2);
    const clientId = length < 0 ? null : frame.toString('utf8', HEADER_BYTES, Math.min(HEADER_BYTES + length, frame.length));
    for (const entry of this.#entries) {
      if (entry.api !== undefined && ApiKey[entry.api] !== apiKey) continue;
      if (entry.clientId === undefined || entry.clientId === clientId) return entry;
    }
    return undefined;
  }
}

function meet({ outcome }: Fault, broker: Broker, frame: Buffer, connection: ClientConnection, slot: ReplySlot): void {
  if (outcome === undefined) broker.onRequest(frame, connection, slot);
  else if (outcome === 'disconnect') slot.close('a scripted fault');
  else if (outcome === 'loseReply') broker.onRequest(frame, connection, new LostReply(slot));
  else if (outcome !== 'hang' && !broker.answerError(frame, connection, slot, ErrorCode[outcome], 'a scripted fault')) broker.onRequest(frame, connection, slot);
}

class LostReply implements ReplySlot {
  readonly #slot: ReplySlot;

  constructor(slot: ReplySlot) {
    this.#slot = slot;
  }

  send(_chunks: readonly Uint8Array[], onSent?: () => void): void {
    onSent?.();
    this.#slot.close('a scripted fault: the reply is lost');
  }

  none(): void {
    this.#slot.close('a scripted fault');
  }

  close(reason: string): void {
    this.#slot.close(reason);
  }
}

/**
 * One client connection: requests in, replies out in the order of their requests, and the memory of both kept within bounds by not
 * reading. What is done here for each request is what every request costs, so it makes one object and no closure.
 */
import type { TlsPeer, Wire } from '../base/wire.ts';
import { usesTls, type SecurityProtocol } from '../base/securityProtocol.ts';
import { ANONYMOUS, type ConnectionLogin, type Identity, type LoginConnection } from '../broker/security/login.ts';
import { FrameReader, type FrameSink } from '../net/frameReader.ts';
import { badLengthText, foreignProtocol } from './foreignProtocol.ts';
import type { ConnectionHost } from './host.ts';
import { READY_REPLY_BYTES_MAX, REQUESTS_IN_FLIGHT_MAX, REQUESTS_IN_FLIGHT_RESUME, REQUESTS_PER_TURN_MAX } from './settings.ts';
import { SlotState, type Slot, type SlotOwner } from './slot.ts';
import { joinCalls, Slots } from './slots.ts';
import { WireEvents } from './wireEvents.ts';

/** Reasons not to read, as bits. */
const Pause = { inFlight: 1, slowReader: 2, budget: 4, stopping: 8, turn: 16, login: 32, throttle: 64, order: 128 } as const;

const PRODUCE_API_KEY = 0;
/** API key, version, correlation id. */
const REQUEST_BYTES_MIN = 8;

export class Connection implements LoginConnection, FrameSink, SlotOwner {
  readonly id: number;
  readonly listenerName: string;
  readonly securityProtocol: SecurityProtocol;
  readonly login: ConnectionLogin | null;
  readonly #host: ConnectionHost;
  readonly #wire: Wire;
  readonly #reader: FrameReader;
  /** The login while it wants to see each request. */
  #gate: ConnectionLogin | null;
  #identity: Identity = ANONYMOUS;
  #isSecured = false;
  #clientSoftwareName = '';
  #clientSoftwareVersion = '';
  #closeListeners: (() => void)[] | null = null;
  readonly #slots = new Slots();
  /** A request that waits for those before it; nothing is read behind it. */
  #waiting: { readonly frame: Buffer; readonly slot: Slot } | null = null;
  #turnRequests = 0;
  #pauses = 0;
  #heldBytes = 0;
  #hasBytes = false;
  #hasRequest = false;
  #isDispatching = false;
  #isFlushPlanned = false;
  #isClosing = false;
  #isClosed = false;
  /** The host's tick when something last moved. */
  #activeTick: number;
  #pendingBytesSeen = 0;

  constructor(id: number, listenerName: string, securityProtocol: SecurityProtocol, wire: Wire, host: ConnectionHost) {
    this.id = id;
    this.listenerName = listenerName;
    this.securityProtocol = securityProtocol;
    this.#host = host;
    this.#wire = wire;
    this.#activeTick = host.tick;
    this.#reader = new FrameReader(host.requestBytesMax, this);
    this.login = host.loginFor(this);
    this.#gate = this.login;
  }

  get remoteAddress(): string {
    return this.#wire.remoteAddress;
  }

  get remotePort(): number {
    return this.#wire.remotePort;
  }

  get principal(): string {
    return this.#identity.principal;
  }

  get isTokenAuthenticated(): boolean {
    return this.#identity.isTokenAuthenticated;
  }

  get clientSoftwareName(): string {
    return this.#clientSoftwareName;
  }

  get clientSoftwareVersion(): string {
    return this.#clientSoftwareVersion;
  }

  /** A request has begun to arrive and is not whole. */
  get isMidRequest(): boolean {
    return this.#reader.isMidFrame;
  }

  /** Memory held by what has arrived and is not handed on. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get activeTick(): number {
    return this.#activeTick;
  }

  start(): void {
    this.#wire.start(new WireEvents(this));
  }

  setClientSoftware(name: string, version: string): void {
    this.#clientSoftwareName = name;
    this.#clientSoftwareVersion = version;
  }

  throttle(durationMs: number): void {
    if (this.#isClosing) return;
    this.#setPause(Pause.throttle);
    this.#host.waitFor(this, durationMs);
  }

  /** What it has used too much of is within its quota again. */
  throttleEnded(): void {
    this.#activeTick = this.#host.tick;
    this.#clearPause(Pause.throttle);
    this.#pump();
  }

  offClose(listener: () => void): void {
    const listeners = this.#closeListeners;
    const index = listeners?.lastIndexOf(listener) ?? -1;
    if (index >= 0) listeners?.splice(index, 1);
  }

  onClose(listener: () => void): void {
    if (this.#isClosed) {
      listener();
      return;
    }
    if (this.#closeListeners === null) this.#closeListeners = [listener];
    else this.#closeListeners.push(listener);
  }

  // From the login.

  identify(identity: Identity): void {
    this.#identity = identity;
  }

  limitRequests(bytesMax: number | null): void {
    this.#reader.limit(bytesMax === null ? this.#host.requestBytesMax : Math.min(bytesMax, this.#host.requestBytesMax));
  }

  holdRequests(): void {
    if (!this.#isClosing) this.#setPause(Pause.login);
  }

  releaseRequests(): void {
    if ((this.#pauses & Pause.login) === 0) return;
    this.#clearPause(Pause.login);
    if (!this.#isDispatching) this.#pump();
  }

  openGate(): void {
    this.#gate = null;
  }

  endAfterReplies(reason: string): void {
    if (this.#isClosing) return;
    this.#host.onRefused(this, reason);
    this.#setPause(Pause.stopping);
    if (!this.#isDispatching) this.#pump();
  }

  // From the wire.

  onSecured(peer: TlsPeer): void {
    this.#isSecured = true;
    if (this.login !== null) return;
    try {
      this.#identity = this.#host.identityOf(peer.subject);
    } catch (error) {
      this.#host.onRefused(this, error instanceof Error ? error.message : String(error));
      this.#wire.destroy();
    }
  }

  onBytes(bytes: Buffer): void {
    if (this.#isClosing || this.#isClosed) return;
    this.#activeTick = this.#host.tick;
    if (!this.#hasBytes) {
      this.#hasBytes = true;
      if (this.#refuseForeign(bytes)) return;
    }
    this.#isDispatching = true;
    this.#turnRequests = 0;
    try {
      this.#reader.onBytes(bytes);
    } catch (error) {
      this.#fail(error);
    }
    this.#isDispatching = false;
    this.#pump();
  }

  nextReadBuffer(): Buffer | null {
    return this.#reader.nextReadBuffer();
  }

  onDrain(): void {
    this.#activeTick = this.#host.tick;
    this.#clearPause(Pause.slowReader);
    this.#pump();
  }

  onWireClosed(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isClosing = true;
    if (error !== undefined && !this.#isSecured && usesTls(this.securityProtocol)) this.#host.onRefused(this, `the TLS handshake failed: ${reasonOf(error)}`);
    this.#reader.close();
    this.#accountHeld();
    this.#dropSlots();
    const listeners = this.#closeListeners;
    this.#closeListeners = null;
    if (listeners !== null) for (const listener of listeners) listener();
    this.#host.onConnectionClosed(this, error);
  }

  // From the frame reader.

  onFrame(frame: Buffer, isOwn: boolean): boolean {
    this.#hasRequest = true;
    const isProduce = frame.length >= 2 && frame[0] === 0 && frame[1] === PRODUCE_API_KEY;
    const slot = this.#slots.add(this, frame.length, isProduce);
    this.#host.budget.addAnswering(frame.length);
    if (!this.#slots.mayBegin(isProduce)) {
      this.#waiting = { frame: isOwn ? frame : Buffer.from(frame), slot };
      this.#setPause(Pause.order);
      return isOwn;
    }
    const isKept = this.#handOver(frame, isOwn, slot);
    this.#turnRequests += 1;
    if (this.#turnRequests >= REQUESTS_PER_TURN_MAX) this.#yieldTurn();
    if (this.#isFull()) {
      this.#flush();
      if (this.#isFull()) this.#setPause(Pause.inFlight);
    }
    return isKept;
  }

  /** So many small requests in one read would keep everybody else waiting. */
  #yieldTurn(): void {
    if ((this.#pauses & Pause.turn) !== 0) return;
    this.#setPause(Pause.turn);
    this.#host.waitForTurn(this);
  }

  turnCame(): void {
    this.#clearPause(Pause.turn);
    this.#pump();
  }

  #isFull(): boolean {
    return this.#slots.count >= REQUESTS_IN_FLIGHT_MAX || this.#slots.readyBytes >= READY_REPLY_BYTES_MAX;
  }

  /** Produce requests are lent, since their records are copied on; others may live as long as their handlers want. */
  #handOver(frame: Buffer, isOwn: boolean, slot: Slot): boolean {
    this.#slots.begin(slot);
    if (this.#gate !== null && !this.#gate.admit(frame, slot)) return false;
    if (frame.length < REQUEST_BYTES_MIN) {
      slot.close(`a request of ${frame.length} bytes is too short`);
      return false;
    }
    if (slot.isProduce || isOwn) this.#host.sink.onRequest(frame, this, slot);
    else this.#host.sink.onRequest(Buffer.from(frame), this, slot);
    return !slot.isProduce;
  }

  onBadLength(lengthBytes: number): void {
    this.#refuse(badLengthText(lengthBytes, this.#reader.lengthMaxBytes, !this.#hasRequest));
  }

  /** A TLS hello whose first bytes make a length within the limit would be waited for, not refused. */
  #refuseForeign(bytes: Buffer): boolean {
    if (bytes.length < 4 || foreignProtocol(bytes.readInt32BE(0)) === null) return false;
    this.#refuse(badLengthText(bytes.readInt32BE(0), this.#reader.lengthMaxBytes, true));
    this.#pump();
    return true;
  }

  /** Answers what was asked before, then closes. */
  #refuse(reason: string): void {
    const slot = this.#slots.add(this, 0, false);
    this.#slots.begin(slot);
    this.#setPause(Pause.stopping);
    slot.close(reason);
  }

  // From the slots.

  onSlotFilled(slot: Slot): void {
    this.#host.budget.addAnswering(-slot.frameBytes);
    this.#slots.onFilled(slot);
    if (this.#isClosing) {
      slot.onSent?.();
      return;
    }
    if (slot !== this.#slots.first || this.#isDispatching || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#host.flushSoon(this);
  }

  onSlotFilledTwice(): void {
    this.#host.logger.error('a request was answered twice; closing its connection', { connection: this.id, address: this.remoteAddress });
    this.#wire.destroy();
  }

  /** The planned flush: all replies of this turn of the event loop in one write. */
  flushPlanned(): void {
    this.#isFlushPlanned = false;
    this.#pump();
  }

  /** Writes what is ready, and reads on where that has made room. */
  #pump(): void {
    for (;;) {
      this.#flush();
      this.#accountHeld();
      if (this.#isClosing) return;
      if (this.#waiting !== null && this.#beginWaiting()) continue;
      if (this.#slots.count <= REQUESTS_IN_FLIGHT_RESUME && this.#slots.readyBytes < READY_REPLY_BYTES_MAX) this.#clearPause(Pause.inFlight);
      if ((this.#pauses & Pause.stopping) !== 0 && this.#slots.count === 0) this.close();
      if (this.#pauses !== 0 || !this.#reader.isStopped) return;
      this.#readOn();
    }
  }

  /** Whether the request that waited is under way now. */
  #beginWaiting(): boolean {
    const waiting = this.#waiting;
    if (waiting === null || !this.#slots.mayBegin(waiting.slot.isProduce) || (this.#pauses & Pause.login) !== 0) return false;
    this.#waiting = null;
    this.#clearPause(Pause.order);
    this.#isDispatching = true;
    try {
      this.#handOver(waiting.frame, true, waiting.slot);
    } catch (error) {
      this.#fail(error);
    }
    this.#isDispatching = false;
    return true;
  }

  /** Goes on with what had been read; when that is done, with reading. */
  #readOn(): void {
    this.#isDispatching = true;
    this.#turnRequests = 0;
    try {
      this.#reader.resume();
    } catch (error) {
      this.#fail(error);
    }
    this.#isDispatching = false;
    if (this.#pauses === 0 && !this.#isClosing) this.#wire.resume();
  }

  /** Sends the replies that are ready and whose predecessors are. */
  #flush(): void {
    const slot = this.#slots.first;
    if (slot === null || slot.state === SlotState.open || this.#isClosing) return;
    const next = slot.next;
    if (slot.state === SlotState.ready && (next === null || next.state === SlotState.open)) {
      this.#slots.removeFirst(slot);
      this.#write(slot.chunks, slot.onSent);
    } else {
      this.#flushMany();
    }
  }

  #flushMany(): void {
    const chunks: Uint8Array[] = [];
    const sent: (() => void)[] = [];
    let closing: Slot | null = null;
    let slot = this.#slots.first;
    while (slot !== null && slot.state !== SlotState.open && closing === null) {
      this.#slots.removeFirst(slot);
      for (const chunk of slot.chunks) chunks.push(chunk);
      if (slot.onSent) sent.push(slot.onSent);
      if (slot.state === SlotState.closing) closing = slot;
      slot = this.#slots.first;
    }
    if (chunks.length > 0) this.#write(chunks, joinCalls(sent));
    else for (const onSent of sent) onSent();
    if (closing !== null) this.#closeFor(closing.reason);
  }

  #write(chunks: readonly Uint8Array[], onSent: (() => void) | undefined): void {
    this.#activeTick = this.#host.tick;
    const hasRoom = this.#wire.write(chunks, onSent);
    if (!hasRoom) this.#setPause(Pause.slowReader);
  }

  #setPause(reason: number): void {
    if (this.#pauses === 0) {
      this.#wire.pause();
      this.#reader.stop();
    }
    this.#pauses |= reason;
  }

  /** Reading goes on in `#pump`, which every caller runs after it. */
  #clearPause(reason: number): void {
    this.#pauses &= ~reason;
  }

  #accountHeld(): void {
    const heldBytes = this.#reader.heldBytes;
    if (heldBytes === this.#heldBytes) return;
    this.#host.budget.addArriving(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
  }

  // From the server.

  /** Memory is short: reads nothing until `allowReading`. */
  holdReading(): void {
    if (!this.#isClosing) this.#setPause(Pause.budget);
  }

  allowReading(): void {
    if ((this.#pauses & Pause.budget) === 0) return;
    this.#clearPause(Pause.budget);
    this.#pump();
  }

  /** Reads no more requests; closes when those in flight are answered. */
  drain(): void {
    if (this.#isClosing) return;
    this.#setPause(Pause.stopping);
    this.#pump();
  }

  /** Sends what was written, then closes. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#activeTick = this.#host.tick;
    this.#reader.close();
    this.#accountHeld();
    this.#dropSlots();
    this.#wire.end();
  }

  destroy(error?: Error): void {
    this.#wire.destroy(error);
  }

  /** A look from time to time. Returns why the connection should go, or null. */
  idleReason(tick: number, idleTicks: number, closingTicks: number): string | null {
    const pendingBytes = this.#wire.pendingBytes;
    const isMoving = pendingBytes !== this.#pendingBytesSeen;
    const isServed = this.#slots.count > 0 && pendingBytes === 0;
    this.#pendingBytesSeen = pendingBytes;
    if (isMoving || (isServed && !this.#isClosing)) {
      this.#activeTick = tick;
      return null;
    }
    const quietTicks = tick - this.#activeTick;
    if (this.#isClosing && quietTicks >= closingTicks) return 'it did not take its last replies';
    if (quietTicks < idleTicks) return null;
    return pendingBytes > 0 ? 'it does not read its replies' : 'it is idle';
  }

  #closeFor(reason: string): void {
    this.#host.onRefused(this, reason);
    this.close();
  }

  #dropSlots(): void {
    if (this.#waiting !== null) this.#host.budget.addAnswering(-this.#waiting.slot.frameBytes);
    this.#waiting = null;
    this.#slots.drop();
  }

  /** A defect or a lack of memory: this connection pays, the others go on. */
  #fail(error: unknown): void {
    this.#host.logger.error('a connection failed', { connection: this.id, address: this.remoteAddress, error });
    this.#wire.destroy();
  }
}

/** OpenSSL's own word for it where there is one. */
function reasonOf(error: Error): string {
  return (error as { readonly reason?: string }).reason ?? error.message;
}

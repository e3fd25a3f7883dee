/**
 * The login of one connection of a SASL listener: which request may come when (KIP-43, KIP-152), logging in anew (KIP-368), and the wait
 * before a failure is answered (KIP-306). Requests out of order end the connection as in Kafka.
 */
import { SaslError } from '../../../base/sasl/index.ts';
import type { Clock, Logger } from '../../../base/ports.ts';
import type { MechanismSettings } from '../../../config/listenerSecurity.ts';
import type { Counter } from '../../../metrics/registry.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { apiSpec } from '../../../protocol/framing.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import type { ClientConnection, ReplySlot } from '../../contract.ts';
import type { AuthenticateAnswer, ConnectionLogin, HandshakeAnswer, LoginConnection } from '../login.ts';
import type { Mechanisms } from './mechanisms.ts';
import { NOTHING, type SaslIdentity, type SaslServer, type SaslStep } from './saslServer.ts';

export interface LoginCounters {
  readonly succeeded: Counter;
  readonly failed: Counter;
  readonly expired: Counter;
}

export interface SaslLoginServices {
  readonly mechanisms: Mechanisms;
  readonly failureDelayMs: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: LoginCounters;
  /** Answers a request by its API's own error; false when it cannot be read. */
  readonly answerError: (frame: Buffer, connection: ClientConnection, slot: ReplySlot, errorCode: number, message: string) => boolean;
}

/**
 * - `begun`: nothing came yet. - `versioned`: ApiVersions was answered. - `tokens`, `rawTokens`: the exchange, in SaslAuthenticate requests or (after
 *   a handshake of version 0) in bare frames. - `done`: somebody has logged in. - `failed`: nothing counts any more.
 */
type State = 'begun' | 'versioned' | 'tokens' | 'rawTokens' | 'done' | 'failed';

/** Nobody needs to log in anew more often. */
const REAUTHENTICATION_INTERVAL_MS = 1000;
const API_KEY_BYTES = 2;
const FIRST_VERSION_WITH_REQUESTS = 1;

export class SaslLogin implements ConnectionLogin {
  readonly #connection: LoginConnection;
  readonly #services: SaslLoginServices;
  #state: State = 'begun';
  #server: SaslServer | null = null;
  #mechanism: MechanismSettings | null = null;
  /** Who has logged in; while somebody logs in anew, who that must be. */
  #identity: SaslIdentity | null = null;
  #problem = '';
  /** By Clock.monotonicMs. */
  #sessionEndMs = Infinity;
  #lastReauthenticationMs = -Infinity;

  constructor(connection: LoginConnection, services: SaslLoginServices) {
    this.#connection = connection;
    this.#services = services;
    connection.limitRequests(this.#receiveBytesMax());
  }

  admit(frame: Buffer, slot: ReplySlot): boolean {
    if (this.#state === 'rawTokens') {
      this.#takeRawToken(Buffer.from(frame), slot);
      return false;
    }
    const apiKey = frame.length < API_KEY_BYTES ? -1 : frame.readInt16BE(0);
    if (this.#state === 'done') return this.#admitLater(apiKey, slot);
    if (this.#isDue(apiKey, frame)) return true;
    this.#refuse(apiKey, frame, slot);
    return false;
  }

  versionsRefused(): void {
    if (this.#state === 'versioned') this.#state = 'begun';
  }

  handshake(mechanism: string, version: number, answer: (answer: HandshakeAnswer) => void): void {
    const isExpected = this.#state === 'begun' || this.#state === 'versioned';
    if (!isExpected) return answer({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] });
    const settings = this.#services.mechanisms.settingsOf(this.#connection.listenerName);
    const mechanisms = settings.mechanisms.map((enabled) => enabled.mechanism);
    const chosen = settings.mechanisms.find((enabled) => enabled.mechanism === mechanism);
    const isOther = this.#mechanism !== null && this.#identity !== null && this.#mechanism.mechanism !== mechanism;
    const server = chosen === undefined || isOther ? null : this.#services.mechanisms.serverFor(chosen, settings);
    if (chosen === undefined || server === null) {
      const why = isOther ? 'the mechanism changed while logging in anew' : `SASL mechanism ${shown(mechanism)} is not enabled`;
      return this.#fail(why, () => answer({ errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms }));
    }
    this.#server = server;
    this.#mechanism = chosen;
    this.#state = version >= FIRST_VERSION_WITH_REQUESTS ? 'tokens' : 'rawTokens';
    answer({ errorCode: ErrorCode.NONE, mechanisms });
  }

  authenticate(token: Buffer, answer: (answer: AuthenticateAnswer) => void): void {
    if (this.#state !== 'tokens') {
      const errorMessage = 'SaslAuthenticate request received after successful authentication';
      return answer({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage, token: NOTHING, sessionLifetimeMs: 0 });
    }
    this.#evaluate(
      token,
      ({ reply }, sessionLifetimeMs) => answer({ errorCode: ErrorCode.NONE, errorMessage: null, token: reply, sessionLifetimeMs }),
      (errorMessage) => answer({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage, token: NOTHING, sessionLifetimeMs: 0 }),
    );
  }

  #isDue(apiKey: number, frame: Buffer): boolean {
    switch (this.#state) {
      case 'begun':
        // Who asks in a version of the future is told so, and asks again.
        if (apiKey === ApiKey.ApiVersions && isServed(apiKey, frame)) this.#state = 'versioned';
        return apiKey === ApiKey.ApiVersions || apiKey === ApiKey.SaslHandshake;
      case 'versioned':
        return apiKey === ApiKey.SaslHandshake;
      default:
        return this.#state === 'tokens' && apiKey === ApiKey.SaslAuthenticate;
    }
  }

  #refuse(apiKey: number, frame: Buffer, slot: ReplySlot): void {
    if (this.#state !== 'tokens') {
      this.#countFailure();
      slot.close(`API ${apiKey} was asked before anybody has logged in`);
      return;
    }
    const owned = Buffer.from(frame);
    this.#fail(`API ${apiKey} was asked amid a login${this.#problem}`, () => {
      const isAnswered = this.#services.answerError(owned, this.#connection, slot, ErrorCode.ILLEGAL_SASL_STATE, 'Unexpected Kafka request during SASL authentication.');
      if (!isAnswered) slot.none();
    });
  }

  /** Somebody has logged in and the login may have an end. */
  #admitLater(apiKey: number, slot: ReplySlot): boolean {
    const nowMs = this.#services.clock.monotonicMs();
    if (apiKey === ApiKey.SaslHandshake && nowMs - this.#lastReauthenticationMs >= REAUTHENTICATION_INTERVAL_MS) {
      this.#lastReauthenticationMs = nowMs;
      this.#state = 'versioned';
      return true;
    }
    if (nowMs <= this.#sessionEndMs) return true;
    this.#services.counters.expired.add();
    this.#state = 'failed';
    slot.close('the login has expired and was not renewed');
    return false;
  }

  #takeRawToken(token: Buffer, slot: ReplySlot): void {
    // Without an envelope there is no way to tell a failure but the end.
    this.#evaluate(token, ({ reply }) => slot.send([lengthOf(reply), reply]), () => slot.none());
  }

  #evaluate(token: Buffer, succeed: (step: SaslStep, sessionLifetimeMs: number) => void, fail: (message: string) => void): void {
    const failed = (error: unknown): void => this.#failBy(error, fail);
    // Who logs in anew may send longer requests.
    if (token.length > this.#receiveBytesMax()) return failed(new SaslError('a SASL token is too long'));
    const stepped = (step: SaslStep): void => {
      this.#problem = step.problem === undefined ? '' : `: ${step.problem}`;
      try {
        succeed(step, step.identity === null ? 0 : this.#complete(step.identity));
      } catch (error) {
        failed(error);
      }
    };
    try {
      const step = this.#server!.evaluate(token);
      if (!(step instanceof Promise)) return stepped(step);
      this.#connection.holdRequests();
      step.then(stepped, failed).finally(() => this.#connection.releaseRequests());
    } catch (error) {
      failed(error);
    }
  }

  /** Returns how long the login holds, in milliseconds; 0: without end. */
  #complete(identity: SaslIdentity): number {
    const before = this.#identity;
    if (before !== null && before.principal !== identity.principal) {
      throw new SaslError(`Cannot change principals during re-authentication from ${before.principal} to ${identity.principal}`, true);
    }
    const { clock, counters } = this.#services;
    const maxMs = this.#mechanism!.maxReauthMs;
    const leftMs = identity.expiresAtMs === null ? Infinity : Math.max(identity.expiresAtMs - clock.now(), 0);
    const lifetimeMs = Math.min(leftMs, maxMs > 0 ? maxMs : Infinity);
    this.#identity = identity;
    this.#server = null;
    this.#state = 'done';
    this.#sessionEndMs = clock.monotonicMs() + lifetimeMs;
    counters.succeeded.add();
    this.#connection.identify(identity);
    this.#connection.limitRequests(null);
    if (lifetimeMs === Infinity) this.#connection.openGate();
    return lifetimeMs === Infinity ? 0 : lifetimeMs;
  }

  #failBy(error: unknown, fail: (message: string) => void): void {
    const mechanism = this.#mechanism?.mechanism ?? '';
    const why = error instanceof SaslError ? error.message : 'internal error';
    if (!(error instanceof SaslError)) this.#services.logger.error('a login failed', { mechanism, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    const during = this.#identity === null ? 'authentication' : 're-authentication';
    // What is wrong with a credential is not for the other side.
    const message = error instanceof SaslError && error.isForPeer ? why : `Authentication failed during ${during} due to invalid credentials with SASL mechanism ${mechanism}`;
    this.#fail(`${during} with ${mechanism} failed: ${error instanceof SaslError ? error.detail : why}`, () => fail(message));
  }

  /** Answers after a while, so that guessing is slow, and closes. */
  #fail(why: string, answer: () => void): void {
    this.#state = 'failed';
    this.#server = null;
    this.#countFailure();
    const delayMs = this.#services.failureDelayMs();
    const end = (): void => {
      answer();
      this.#connection.endAfterReplies(why);
    };
    if (delayMs <= 0) return end();
    this.#connection.holdRequests();
    this.#services.clock.setTimer(delayMs, end);
  }

  #countFailure(): void {
    this.#services.counters.failed.add();
  }

  #receiveBytesMax(): number {
    return this.#services.mechanisms.settingsOf(this.#connection.listenerName).serverMaxReceiveBytes;
  }
}

function isServed(apiKey: number, frame: Buffer): boolean {
  return frame.length >= 2 * API_KEY_BYTES && frame.readInt16BE(API_KEY_BYTES) <= (apiSpec(apiKey)?.max ?? -1);
}

function lengthOf(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeInt32BE(bytes.length);
  return prefix;
}

const SHOWN_MAX = 50;
const shown = (text: string): string => JSON.stringify(text.slice(0, SHOWN_MAX));

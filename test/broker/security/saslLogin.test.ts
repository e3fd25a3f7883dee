import { describe, expect, it } from 'vitest';
import { SaslError } from '../../../src/base/sasl/index.ts';
import type { AuthenticateAnswer, HandshakeAnswer, Identity, LoginConnection } from '../../../src/broker/security/login.ts';
import type { Mechanisms } from '../../../src/broker/security/sasl/mechanisms.ts';
import { SaslLogin } from '../../../src/broker/security/sasl/saslLogin.ts';
import { NOTHING, type SaslStep } from '../../../src/broker/security/sasl/saslServer.ts';
import { MetricsRegistry } from '../../../src/metrics/registry.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import type { ReplySlot } from '../../../src/broker/contract.ts';
import { FakeClock, RecordingLogger } from '../../server/support.ts';

/** A mechanism that takes the name it is told, with the end of the credential behind a colon; `late:` makes it think. */
function evaluate(message: Buffer, clock: FakeClock): SaslStep | Promise<SaslStep> {
  const [name = '', expires] = message.toString().replace('late:', '').split('@');
  const step = { reply: NOTHING, identity: { principal: `User:${name}`, isTokenAuthenticated: false, expiresAtMs: expires === undefined ? null : clock.now() + Number(expires) } };
  if (name === 'bad') throw new SaslError('bad name', true);
  return message.toString().startsWith('late:') ? Promise.resolve(step) : step;
}

function rig(maxReauthMs = 0, failureDelayMs = 0) {
  const clock = new FakeClock();
  const events: string[] = [];
  const mechanisms = {
    settingsOf: () => ({ mechanisms: ['A', 'B'].map((mechanism) => ({ mechanism, jaasText: null, callbackHandler: null, maxReauthMs })), serverMaxReceiveBytes: 1000, oauth: null }),
    serverFor: () => ({ evaluate: (message: Buffer) => evaluate(message, clock) }),
  } as unknown as Mechanisms;
  const connection = {
    listenerName: 'L', identify: ({ principal }: Identity) => events.push(principal), limitRequests: (bytes: number | null) => events.push(`limit ${bytes}`), holdRequests: () => events.push('hold'),
    releaseRequests: () => events.push('release'), openGate: () => events.push('open'), endAfterReplies: (reason: string) => events.push(`end: ${reason}`),
  } as unknown as LoginConnection;
  const metrics = new MetricsRegistry();
  const counters = { succeeded: metrics.counter('a'), failed: metrics.counter('b'), expired: metrics.counter('c') };
  const login = new SaslLogin(connection, { mechanisms, failureDelayMs: () => failureDelayMs, clock, logger: new RecordingLogger(), counters, answerError: () => true });
  const slot = (): ReplySlot => ({ send: () => events.push('send'), none: () => events.push('none'), close: (reason) => events.push(`close: ${reason}`) });
  const request = (apiKey: number): boolean => {
    const frame = Buffer.alloc(10);
    frame.writeInt16BE(apiKey);
    return login.admit(frame, slot());
  };
  let last: AuthenticateAnswer | HandshakeAnswer | null = null;
  const handshake = (mechanism = 'A') => {
    last = null;
    if (request(17)) login.handshake(mechanism, 1, (answer) => (last = answer));
    return last as HandshakeAnswer | null;
  };
  const authenticate = (message: string) => {
    last = null;
    if (request(36)) login.authenticate(Buffer.from(message), (answer) => (last = answer));
    return last as AuthenticateAnswer | null;
  };
  return { clock, events, counters, login, request, handshake, authenticate, lastAnswer: () => last };
}

describe('the life of a login', () => {
  it('has no end by itself: then nothing is asked of the login any more', () => {
    const { handshake, authenticate, events } = rig();
    expect(handshake()?.errorCode).toBe(0);
    expect(authenticate('alice')).toMatchObject({ errorCode: 0, sessionLifetimeMs: 0 });
    expect(events).toEqual(['limit 1000', 'User:alice', 'limit null', 'open']);
  });

  it.each([
    [1000, 'a', 1000], [1000, 'a@500', 500], [1000, 'a@5000', 1000], [0, 'a@500', 500], [0, 'a@-5', 0],
  ])('is the shorter of connections.max.reauth.ms=%i and that of the credential: %s', (maxReauthMs, message, lifetimeMs) => {
    const { handshake, authenticate, events } = rig(maxReauthMs);
    handshake();
    expect(authenticate(message)?.sessionLifetimeMs).toBe(lifetimeMs);
    expect(events).not.toContain('open');
  });

  it('ends the connection at the next request, once it is over', () => {
    const { clock, handshake, authenticate, request, events, counters } = rig(1000);
    handshake();
    authenticate('alice');
    clock.advance(1000);
    expect(request(3)).toBe(true);
    clock.advance(1);
    expect(request(3)).toBe(false);
    expect(events.at(-1)).toContain('close: the login has expired');
    expect(counters.expired.value).toBe(1);
  });

  it('goes on by logging in anew, also late, and not more often than once a second', () => {
    const { clock, handshake, authenticate, request } = rig(5000);
    handshake();
    authenticate('alice');
    clock.advance(5500);
    expect(handshake()?.errorCode).toBe(0);
    expect(request(3)).toBe(false);
    const again = rig(5000);
    again.handshake();
    again.authenticate('alice');
    again.clock.advance(4000);
    expect(again.handshake()?.errorCode).toBe(0);
    expect(again.authenticate('alice')).toMatchObject({ errorCode: 0, sessionLifetimeMs: 5000 });
    expect(again.handshake()?.errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    again.clock.advance(4999);
    expect(again.request(3)).toBe(true);
  });

  it('stays with its user and its mechanism', () => {
    const other = rig(5000);
    other.handshake();
    other.authenticate('alice');
    other.clock.advance(2000);
    other.handshake();
    expect(other.authenticate('mallory')).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'Cannot change principals during re-authentication from User:alice to User:mallory' });
    expect(other.events).not.toContain('User:mallory');
    const changed = rig(5000);
    changed.handshake();
    changed.authenticate('alice');
    changed.clock.advance(2000);
    expect(changed.handshake('B')?.errorCode).toBe(ErrorCode.UNSUPPORTED_SASL_MECHANISM);
    expect(changed.request(3)).toBe(false);
  });
});

describe('a failed login', () => {
  it('is answered after connection.failed.authentication.delay.ms, and nothing else meanwhile', () => {
    const { clock, handshake, authenticate, request, events, lastAnswer, counters } = rig(0, 100);
    handshake();
    expect(authenticate('bad')).toBeNull();
    expect(events.at(-1)).toBe('hold');
    clock.advance(99);
    expect(lastAnswer()).toBeNull();
    expect(request(3)).toBe(false);
    clock.advance(1);
    expect(lastAnswer()).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'bad name' });
    expect(events.at(-1)).toBe('end: authentication with A failed: bad name');
    expect(counters.failed.value).toBeGreaterThan(0);
  });
});

describe('a mechanism that has to think', () => {
  it('holds the requests behind it', async () => {
    const { handshake, authenticate, events, lastAnswer } = rig();
    handshake();
    expect(authenticate('late:alice')).toBeNull();
    expect(events.at(-1)).toBe('hold');
    await new Promise((resolve) => setImmediate(resolve));
    expect(lastAnswer()).toMatchObject({ errorCode: 0 });
    expect(events.slice(-4)).toEqual(['User:alice', 'limit null', 'open', 'release']);
  });
});

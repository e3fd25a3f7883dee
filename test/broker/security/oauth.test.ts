import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompactSign, exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkClaims, TokenError, type ClaimRules } from '../../../src/broker/security/oauth/claims.ts';
import { KeyStore } from '../../../src/broker/security/oauth/keyStore.ts';
import { SignedTokenChecker, UnsecuredTokenChecker } from '../../../src/broker/security/oauth/tokenChecker.ts';
import { fetchDocument } from '../../../src/net/documents.ts';
import { FakeClock, RecordingLogger } from '../../server/support.ts';

const NOW_S = 1_000_000;
const rules: ClaimRules = {
  audience: ['kafka', 'other'], issuer: 'https://issuer', clockSkewMs: 30_000, subjectClaimName: 'sub', scopeClaimName: 'scope', requiredScope: [], needsIssuedAt: true,
};
const good = { sub: 'alice', iss: 'https://issuer', aud: 'kafka', iat: NOW_S - 100, exp: NOW_S + 60 };

class FixedClock extends FakeClock {
  override now(): number {
    return NOW_S * 1000;
  }
}

let key: CryptoKey;
let publicJwk: JWK;
let stranger: CryptoKey;
beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  key = pair.privateKey;
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
  stranger = (await generateKeyPair('ES256')).privateKey;
});

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = (claims: object, by = key, header: object = { kid: 'one' }): Promise<string> =>
  new CompactSign(Buffer.from(JSON.stringify(claims))).setProtectedHeader({ alg: 'ES256', ...header }).sign(by);

function checker(fetch: (url: string) => Promise<string>, clock = new FixedClock()) {
  const logger = new RecordingLogger();
  const keys = new KeyStore({ url: 'u', refreshMs: 60_000, retryBackoffMs: 100, retryBackoffMaxMs: 1000, fetchDocument: fetch, clock, logger });
  return { checker: new SignedTokenChecker(keys, rules, clock), clock, logger };
}

describe('claims', () => {
  it.each([
    [{}], [{ aud: ['x', 'other'] }], [{ exp: NOW_S - 29 }], [{ nbf: NOW_S + 29 }], [{ scope: 'a b' }], [{ scope: ['a', 'b'] }], [{ exp: NOW_S + 0.5 }],
  ])('are taken: %j', (change) => {
    expect(checkClaims({ ...good, ...change }, rules, NOW_S * 1000).subject).toBe('alice');
  });

  it.each([
    [{ exp: undefined }, 'no exp'], [{ exp: 'soon' }, 'no time'], [{ exp: Infinity }, 'no time'], [{ exp: 1e300 }, 'no time'], [{ exp: NOW_S - 30 }, 'expired'], [{ nbf: NOW_S + 31 }, 'not valid yet'],
    [{ nbf: null }, 'no time'], [{ iat: undefined }, 'no iat'], [{ iat: NOW_S + 60 }, 'expires before'], [{ iss: 'https://other' }, 'another issuer'], [{ iss: undefined }, 'another issuer'],
    [{ aud: 'x' }, 'another audience'], [{ aud: undefined }, 'another audience'], [{ aud: [['kafka']] }, 'another audience'], [{ sub: undefined }, 'no sub'], [{ sub: ' ' }, 'no sub'], [{ sub: 7 }, 'no sub'],
    [{ scope: 7 }, 'no scope'], [{ scope: [7] }, 'no scope'],
  ])('are refused: %j', (change, message) => {
    expect(() => checkClaims({ ...good, ...change }, rules, NOW_S * 1000)).toThrow(TokenError);
    expect(() => checkClaims({ ...good, ...change }, rules, NOW_S * 1000)).toThrow(message);
  });

  it('are read under other names, with the scope that is wanted', () => {
    const named = { ...rules, subjectClaimName: 'user', scopeClaimName: 'scp', requiredScope: ['a'] };
    expect(checkClaims({ ...good, user: 'u', scp: ['a', 'b'] }, named, NOW_S * 1000).subject).toBe('u');
    expect(() => checkClaims({ ...good, user: 'u', scp: 'b' }, named, NOW_S * 1000)).toThrow('lacks a scope');
  });
});

describe('a signed token', () => {
  const jwks = () => JSON.stringify({ keys: [publicJwk] });

  it('is taken by the issuer\'s key, and only so', async () => {
    const { checker: signed } = checker(async () => jwks());
    expect(await signed.check(await sign(good))).toEqual({ subject: 'alice', expiresAtMs: (NOW_S + 60) * 1000 });
    const token = await sign(good);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const hostile: readonly string[] = [
      await sign(good, stranger), await sign({ ...good, exp: NOW_S - 60 }), await sign(good, key, { kid: 'unknown' }), await sign(good, key, { crit: ['x'], x: 1 }).catch(() => 'x'),
      `${header}.${encode({ ...good, sub: 'mallory' })}.${signature}`, `${encode({ alg: 'none' })}.${payload}.`, `${encode({ alg: 'None', kid: 'one' })}.${payload}.`,
      `${encode({ alg: 'none', kid: 'one' })}.${payload}.${signature}`, `${encode({ alg: 'HS256', kid: 'one' })}.${payload}.${signature}`, `${header}.${payload}.`, `${header}.${payload}`, `${header}..${signature}`,
      '', '.', '..', '...', 'a.b.c', 'x'.repeat(100_000), `${header}.${Buffer.from('[1]').toString('base64url')}.${signature}`,
    ];
    for (const text of hostile) await expect(signed.check(text), text.slice(0, 60)).rejects.toThrow(TokenError);
  });

  it('cannot bring its own key, nor make a public key a shared secret', async () => {
    const { checker: signed } = checker(async () => jwks());
    const pair = await generateKeyPair('ES256', { extractable: true });
    await expect(signed.check(await sign(good, pair.privateKey, { kid: 'one', jwk: await exportJWK(pair.publicKey) }))).rejects.toThrow(TokenError);
    const secret = Buffer.from(JSON.stringify(publicJwk));
    const forged = await new CompactSign(Buffer.from(JSON.stringify(good))).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(secret);
    await expect(signed.check(forged)).rejects.toThrow(TokenError);
  });

  it('with a key that is new makes the keys be read again, but not for each such token', async () => {
    let keys: JWK[] = [];
    let reads = 0;
    const { checker: signed, clock } = checker(async () => {
      reads += 1;
      return JSON.stringify({ keys });
    });
    await expect(signed.check(await sign(good))).rejects.toThrow(TokenError);
    keys = [publicJwk];
    await expect(signed.check(await sign(good))).rejects.toThrow(TokenError);
    expect(reads).toBe(1);
    clock.advance(10_000);
    expect((await signed.check(await sign(good))).subject).toBe('alice');
    expect(reads).toBe(2);
  });

  it('is refused while there are no keys, which are asked for ever more seldom; old keys serve while new ones cannot be read', async () => {
    let document: string | null = null;
    let reads = 0;
    const { checker: signed, clock, logger } = checker(async () => {
      reads += 1;
      if (document === null) throw new Error('nothing there');
      return document;
    });
    const token = await sign(good);
    for (let tries = 0; tries < 5; tries++) await expect(signed.check(token)).rejects.toThrow('keys of the issuer');
    expect(reads).toBe(1);
    expect(logger.of('warn')).toHaveLength(1);
    clock.advance(100);
    document = jwks();
    expect((await signed.check(token)).subject).toBe('alice');
    document = null;
    clock.advance(60_000);
    expect((await signed.check(token)).subject).toBe('alice');
    expect(reads).toBe(3);
  });

  it.each(['', '{}', '{"keys":1}', '[]', 'null', '{"keys":[{}]}', JSON.stringify({ keys: Array.from({ length: 1001 }, () => ({})) })])('finds no keys in %j', async (document) => {
    await expect(checker(async () => document).checker.check(await sign(good))).rejects.toThrow(TokenError);
  });
});

describe('an unsigned token', () => {
  const unsigned = new UnsecuredTokenChecker({ ...rules, audience: [], issuer: null, needsIssuedAt: false }, new FixedClock());
  const none = encode({ alg: 'none' });

  it('is taken where it is asked for', async () => {
    expect((await unsigned.check(`${none}.${encode({ sub: 'bob', exp: NOW_S + 5 })}.`)).subject).toBe('bob');
  });

  it('is refused when it is anything else', async () => {
    const payload = encode({ sub: 'bob', exp: NOW_S + 5 });
    for (const token of [`${none}.${payload}.x`, `${none}.${payload}`, `${encode({ alg: 'HS256' })}.${payload}.`, `${none}.${encode({ sub: 'bob' })}.`, '', '..', `${none}.!!.`, `${none}.${payload}..`]) {
      await expect(unsigned.check(token), token).rejects.toThrow(TokenError);
    }
  });
});

describe('a document of keys', () => {
  let folder: string;
  const server = createServer((request, response) => {
    if (request.url === '/large') response.end(Buffer.alloc(2 << 20));
    else if (request.url === '/moved') response.writeHead(302, { location: '/ok' }).end();
    else response.writeHead(request.url === '/ok' ? 200 : 404).end('{"keys":[]}');
  });
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-jwks-'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('is read from a file and from a server, with bounds', async () => {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = path.join(folder, 'jwks.json');
    await writeFile(file, 'text');
    expect(await fetchDocument(pathToFileURL(file).href)).toBe('text');
    expect(await fetchDocument(`${base}/ok`)).toBe('{"keys":[]}');
    await writeFile(file, Buffer.alloc(2 << 20));
    for (const url of [pathToFileURL(file).href, pathToFileURL(path.join(folder, 'none')).href, `${base}/large`, `${base}/moved`, `${base}/none`, 'ftp://x/y']) {
      await expect(fetchDocument(url), url).rejects.toThrow();
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clientFinalWithoutProof, clientProof, encodeClientFirstBare, encodeOAuthBearerResponse, encodePlainResponse, isProofOf, isSameSecret, isServerSignature, JaasError, parseClientFinal,
  parseClientFirst, parseJaas, parseOAuthBearerResponse, parsePlainResponse, parseServerFinal, parseServerFirst, SaslError, saltedPasswordSync, scramByName, scramCredential, serverFirstText,
  serverSignature, type ScramMechanism,
} from '../../../src/base/sasl/index.ts';

const sha256 = scramByName('SCRAM-SHA-256') as ScramMechanism;

describe('SCRAM', () => {
  it('makes the proof and the signature of RFC 7677', () => {
    const clientFirst = 'n=user,r=rOprNGfwEbeRWgbNEkqO';
    const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
    const withoutProof = clientFinalWithoutProof('rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    const message = `${clientFirst},${serverFirst},${withoutProof}`;
    const { salt, iterations } = parseServerFirst(Buffer.from(serverFirst));
    const salted = saltedPasswordSync(sha256, 'pencil', salt, iterations);
    const proof = clientProof(sha256, salted, message);
    expect(proof.toString('base64')).toBe('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=');
    const credential = scramCredential(sha256, salted, salt, iterations);
    expect(isProofOf(sha256, credential, message, proof)).toBe(true);
    expect(isProofOf(sha256, credential, `${message}x`, proof)).toBe(false);
    const signature = serverSignature(sha256, credential.serverKey, message);
    expect(signature.toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
    expect(isServerSignature(sha256, salted, message, signature)).toBe(true);
    expect(isServerSignature(sha256, salted, message, signature.subarray(1))).toBe(false);
  });

  it('reads back names with signs of its own, and extensions', () => {
    const bare = encodeClientFirstBare('a=b,c ü', 'nonce', new Map([['tokenauth', 'true']]));
    expect(parseClientFirst(Buffer.from(`n,,${bare}`))).toEqual({ authorizationId: '', username: 'a=b,c ü', nonce: 'nonce', extensions: new Map([['tokenauth', 'true']]), bare });
    expect(parseClientFirst(Buffer.from('n,a=x=2Cy,n=u,r=1')).authorizationId).toBe('x,y');
  });

  it.each(['', 'n', 'n,,', 'y,,n=u,r=1', 'p=tls-unique,,n=u,r=1', 'n,,n=,r=1', 'n,,n=a=3,r=1', 'n,,r=1,n=u', 'n,,n=u,r=', 'n,,n=u,r=a b', 'n,,n=u,r=1,1=x', 'n,b=x,n=u,r=1'])('refuses the first message %j', (text) => {
    expect(() => parseClientFirst(Buffer.from(text))).toThrow(SaslError);
  });

  it.each(['', 'c=biws', 'c=biws,r=1', 'c=biws,p=aaaa', 'r=1,p=aaaa', 'c=biws,r=1,p=', 'c=biws,r=1,p=a', 'c=biws,r=1,p=????', 'c=biws,r=1,p=aaaa,x=1', 'p=aaaa,c=biws,r=1'])('refuses the final message %j', (text) => {
    expect(() => parseClientFinal(Buffer.from(text))).toThrow(SaslError);
  });

  it.each(['r=1,s=aaaa,i=0', 'r=1,s=aaaa,i=99999999', 'r=1,s=aaaa,i=1e3', 'r=1,s=,i=1', 's=aaaa,r=1,i=1'])('refuses what a server begins with: %j', (text) => {
    expect(() => parseServerFirst(Buffer.from(text))).toThrow(SaslError);
  });

  it('tells a server\'s refusal', () => {
    expect(() => parseServerFinal(Buffer.from('e=invalid-proof'))).toThrow('invalid-proof');
    expect(parseServerFinal(Buffer.from('v=aaaa'))).toHaveLength(3);
    expect(parseServerFirst(Buffer.from(serverFirstText('n', Buffer.from('salt'), 4096)))).toMatchObject({ nonce: 'n', iterations: 4096 });
  });
});

describe('PLAIN and OAUTHBEARER', () => {
  it('read what they write', () => {
    const plain = { authorizationId: '', username: 'ä', password: 'p w' };
    expect(parsePlainResponse(encodePlainResponse(plain))).toEqual(plain);
    const bearer = { authorizationId: 'me', token: 'aaa.bbb.ccc', extensions: new Map([['traceId', '1 2']]) };
    expect(parseOAuthBearerResponse(encodeOAuthBearerResponse(bearer))).toEqual(bearer);
  });

  it.each(['', 'a', '\0', '\0u', 'a\0u\0p\0x', '\0\0p', '\0u\0', '\0'.repeat(1000)])('PLAIN refuses %j', (text) => {
    expect(() => parsePlainResponse(Buffer.from(text))).toThrow(SaslError);
  });

  it.each([
    '', 'n,,', 'n,,\x01', 'n,,\x01\x01', 'n,,\x01auth=Bearer x\x01', 'y,,\x01auth=Bearer x\x01\x01', 'n,,\x01auth=Basic x\x01\x01', 'n,,\x01auth=Bearer \x01\x01', 'n,,\x01auth=Bearer a b\x01\x01',
    'n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01', 'n,,\x01auth=Bearer x\x011=y\x01\x01',
  ])('OAUTHBEARER refuses %j', (text) => {
    expect(() => parseOAuthBearerResponse(Buffer.from(text))).toThrow(SaslError);
  });

  it('secrets are the same or not', () => {
    expect([isSameSecret('a', 'a'), isSameSecret('a', 'b'), isSameSecret('', 'a')]).toEqual([true, false, false]);
  });
});

describe('hostile bytes', () => {
  const parsers = { parseClientFirst, parseClientFinal, parseServerFirst, parseServerFinal, parsePlainResponse, parseOAuthBearerResponse };
  const nearly = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.array(fc.constantFrom('n', ',', '=', 'r=', 'p=', 'c=biws', '\x01', '\0', 'auth=Bearer ', 'a', 'aaaa', 'i=', '\xff')).map((parts) => Buffer.from(parts.join(''))));

  it.each(Object.entries(parsers))('%s: a result or a SaslError', (_name, parse) => {
    fc.assert(fc.property(nearly, (bytes) => {
      try {
        parse(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(SaslError);
      }
    }));
  });

  it('of half a megabyte are read in one pass', () => {
    for (const sign of [',', '=', 'a', '\0', '\x01', 'n,,n=u,r=1,', '=2C']) {
      const bytes = Buffer.from(sign.repeat(Math.floor(524_288 / sign.length)));
      for (const parse of Object.values(parsers)) expect(() => parse(bytes)).toThrow(SaslError);
    }
  });
});

describe('a JAAS text', () => {
  it('is read with quotes, comments and line breaks', () => {
    const { module, options } = parseJaas('// users\n a.b.C  required\n user_a="x;y=z" /* one */ user_b=\'it"s\' c=\nplain d="q\\"\\\\";\n');
    expect(module).toBe('a.b.C');
    expect([...options]).toEqual([['user_a', 'x;y=z'], ['user_b', 'it"s'], ['c', 'plain'], ['d', 'q"\\']]);
  });

  it.each(['', 'a.B', 'a.B required', 'a.B required x', 'a.B required x=', 'a.B required x="s3cret', 'a.B needed;', 'a.B required; c.D required;', ';', '=;', 'a.B required "s3cret";'])('%j is refused, without its secrets', (text) => {
    expect(() => parseJaas(text)).toThrow(JaasError);
    expect(() => parseJaas(text)).not.toThrow(/s3cret/);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeAlterUserScramCredentialsRequest, readAlterUserScramCredentialsResponse, writeAlterUserScramCredentialsRequest } from '../../../src/protocol/generated/alterUserScramCredentials.ts';
import { makeApiVersionsRequest, readApiVersionsResponse, writeApiVersionsRequest } from '../../../src/protocol/generated/apiVersions.ts';
import { makeCreateDelegationTokenRequest, readCreateDelegationTokenResponse, writeCreateDelegationTokenRequest } from '../../../src/protocol/generated/createDelegationToken.ts';
import { makeDescribeUserScramCredentialsRequest, readDescribeUserScramCredentialsResponse, writeDescribeUserScramCredentialsRequest } from '../../../src/protocol/generated/describeUserScramCredentials.ts';
import { makeMetadataRequest, readMetadataResponse, writeMetadataRequest } from '../../../src/protocol/generated/metadata.ts';
import { saltedPasswordSync, scramByName, type ScramMechanism } from '../../../src/base/sasl/index.ts';
import { handshakeApi, SaslBroker, type RawClient } from './loginSupport.ts';

const apiVersionsApi = { apiKey: ApiKey.ApiVersions, write: writeApiVersionsRequest, read: readApiVersionsResponse };
const metadataApi = { apiKey: ApiKey.Metadata, write: writeMetadataRequest, read: readMetadataResponse };
const createTokenApi = { apiKey: ApiKey.CreateDelegationToken, write: writeCreateDelegationTokenRequest, read: readCreateDelegationTokenResponse };
const alterScramApi = { apiKey: ApiKey.AlterUserScramCredentials, write: writeAlterUserScramCredentialsRequest, read: readAlterUserScramCredentialsResponse };
const describeScramApi = { apiKey: ApiKey.DescribeUserScramCredentials, write: writeDescribeUserScramCredentialsRequest, read: readDescribeUserScramCredentialsResponse };
const versions = makeApiVersionsRequest({ clientSoftwareName: 'raw', clientSoftwareVersion: '1' });
const PLAIN = '\0alice\0alice-secret';

let broker: SaslBroker;
beforeAll(async () => {
  broker = await SaslBroker.start(
    { listeners: 'SASL_PLAINTEXT://127.0.0.1:0,PLAINTEXT://127.0.0.1:0', 'delegation.token.secret.key': 's3cr3t-of-tokens' },
    { firstScramUsers: [{ mechanism: 'SCRAM-SHA-256', user: 'carol', password: 'carol-secret' }, { mechanism: 'SCRAM-SHA-512', user: 'carol', password: 'carol-secret' }] },
  );
});
afterAll(() => broker.close());

const isServed = async (client: RawClient): Promise<boolean> => (await client.ask(metadataApi, 12, makeMetadataRequest({ topics: [] })))?.brokers.length === 1;

describe('a login', () => {
  it.each([0, 1, 2])('by PLAIN, SaslAuthenticate version %i', async (version) => {
    const client = await broker.connect();
    expect((await client.ask(apiVersionsApi, 3, versions))?.errorCode).toBe(0);
    expect(await client.handshake('PLAIN')).toEqual({ errorCode: 0, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] });
    expect(await client.authenticate(PLAIN, version)).toMatchObject({ errorCode: 0, sessionLifetimeMs: 0 });
    expect(await isServed(client)).toBe(true);
  });

  it('by PLAIN in bare tokens, after a handshake of version 0', async () => {
    const client = await broker.connect();
    expect((await client.handshake('PLAIN', 0))?.errorCode).toBe(0);
    client.sendRaw(Buffer.from(PLAIN));
    expect(await client.next()).toEqual(Buffer.alloc(0));
    expect(await isServed(client)).toBe(true);
  });

  it('in one go, without waiting for answers', async () => {
    const client = await broker.connect();
    client.send(apiVersionsApi, 3, versions);
    client.send(handshakeApi, 1, { mechanism: 'PLAIN' });
    client.send({ apiKey: ApiKey.SaslAuthenticate, write: (writer) => writer.bytes(Buffer.from(PLAIN), false), read: () => null }, 1, null);
    client.send(metadataApi, 12, makeMetadataRequest({ topics: [] }));
    for (let answers = 0; answers < 4; answers++) expect(await client.next()).not.toBeNull();
    expect(client.isClosed).toBe(false);
  });

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'])('by %s', async (mechanism) => {
    const client = await broker.connect();
    await client.handshake(mechanism);
    const { answer } = await client.scram('carol', 'carol-secret', { mechanism });
    expect(answer).toMatchObject({ errorCode: 0 });
    expect(answer?.authBytes.toString()).toMatch(/^v=/);
    expect(await isServed(client)).toBe(true);
  });

  it('that repeats what was overheard proves nothing', async () => {
    const client = await broker.connect();
    await client.handshake('SCRAM-SHA-256');
    const { final } = await client.scram('carol', 'carol-secret', { nonce: 'same' });
    const thief = await broker.connect();
    await thief.handshake('SCRAM-SHA-256');
    const { answer } = await thief.scram('carol', 'unknown', { nonce: 'same', spoil: () => final });
    expect(answer?.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
    await thief.untilClosed();
  });

  it('by a delegation token, which makes no other tokens', async () => {
    const owner = await broker.connect();
    await owner.handshake('PLAIN');
    await owner.authenticate(PLAIN);
    const made = await owner.ask(createTokenApi, 3, makeCreateDelegationTokenRequest({ ownerPrincipalName: null, maxLifetimeMs: -1 }));
    expect(made).toMatchObject({ errorCode: 0, principalName: 'alice' });
    const client = await broker.connect();
    await client.handshake('SCRAM-SHA-512');
    const tokenauth = new Map([['tokenauth', 'true']]);
    const { answer } = await client.scram(made!.tokenId, made!.hmac.toString('base64'), { mechanism: 'SCRAM-SHA-512', extensions: tokenauth });
    expect(answer?.errorCode).toBe(0);
    expect(Number(answer?.sessionLifetimeMs)).toBeGreaterThan(0);
    expect((await client.ask(createTokenApi, 3, makeCreateDelegationTokenRequest({ ownerPrincipalName: null })))?.errorCode).toBe(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    const other = await broker.connect();
    await other.handshake('SCRAM-SHA-512');
    expect((await other.scram(made!.tokenId, made!.hmac.toString('base64'), { mechanism: 'SCRAM-SHA-512' })).answer?.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  });

  it('of a user made and removed while running counts at once', async () => {
    const admin = await broker.connect();
    await admin.handshake('PLAIN');
    await admin.authenticate(PLAIN);
    const mechanism = scramByName('SCRAM-SHA-256') as ScramMechanism;
    const salt = Buffer.from('0123456789abcdef');
    const upsertions = [{ name: 'dave', mechanism: 1, iterations: 4096, salt, saltedPassword: saltedPasswordSync(mechanism, 'dave-secret', salt, 4096) }];
    const made = await admin.ask(alterScramApi, 0, makeAlterUserScramCredentialsRequest({ upsertions }));
    expect(made?.results).toEqual([{ user: 'dave', errorCode: 0, errorMessage: null }]);
    const described = await admin.ask(describeScramApi, 0, makeDescribeUserScramCredentialsRequest({ users: [{ name: 'dave' }, { name: 'carol' }, { name: 'nobody' }, { name: 'twice' }, { name: 'twice' }] }));
    expect(described?.results.map(({ user, errorCode, credentialInfos }) => [user, errorCode, credentialInfos.length])).toEqual([
      ['dave', 0, 1], ['carol', 0, 2], ['nobody', ErrorCode.RESOURCE_NOT_FOUND, 0], ['twice', ErrorCode.DUPLICATE_RESOURCE, 0],
    ]);
    const login = async () => {
      const client = await broker.connect();
      await client.handshake('SCRAM-SHA-256');
      return (await client.scram('dave', 'dave-secret')).answer?.errorCode;
    };
    expect(await login()).toBe(0);
    await admin.ask(alterScramApi, 0, makeAlterUserScramCredentialsRequest({ deletions: [{ name: 'dave', mechanism: 1 }] }));
    expect(await login()).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
  });
});

describe('who has not logged in', () => {
  it.each(['\0alice\0wrong', '\0nobody\0alice-secret', '\0alice\0', '\0\0alice-secret', 'bob\0alice\0alice-secret', '', 'garbage', '\0alice\0alice-secret\0more'])('is told so and closed, by PLAIN %j', async (token) => {
    const client = await broker.connect();
    await client.handshake('PLAIN');
    expect((await client.authenticate(token))?.errorCode).toBe(ErrorCode.SASL_AUTHENTICATION_FAILED);
    await client.untilClosed();
  });

  it.each([
    ['a wrong password', 'carol', 'wrong', undefined], ['an unknown user', 'nobody', 'x', undefined], ['no proof', 'carol', 'carol-secret', (final: string) => final.replace(/p=.*/, 'p=AAAA')],
    ['another nonce', 'carol', 'carol-secret', (final: string) => final.replace('r=client', 'r=').replace(/,p/, 'x,p')], ['garbage at the end', 'carol', 'carol-secret', () => 'garbage'],
  ])('is told so and closed, by SCRAM with %s', async (_name, user, password, spoil) => {
    const client = await broker.connect();
    await client.handshake('SCRAM-SHA-256');
    const { answer } = await client.scram(user, password, spoil === undefined ? {} : { spoil });
    expect(answer).toMatchObject({ errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: 'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256' });
    await client.untilClosed();
  });

  it.each([ApiKey.Metadata, ApiKey.Produce, ApiKey.Fetch, ApiKey.SaslAuthenticate, ApiKey.AlterConfigs, ApiKey.CreateDelegationToken, 999, -1])('and asks API %i at once is closed', async (apiKey) => {
    const client = await broker.connect();
    const frame = Buffer.alloc(40);
    frame.writeInt16BE(apiKey, 0);
    client.sendRaw(frame);
    expect(await client.next()).toBeNull();
  });

  it.each([
    ['ApiVersions twice', [18, 18]], ['Metadata after ApiVersions', [18, 3]], ['ApiVersions after the handshake of version 0', [17, 18]],
  ])('is closed: %s', async (_name, keys) => {
    const client = await broker.connect();
    for (const key of keys) {
      if (key === 18) client.send(apiVersionsApi, 3, versions);
      else if (key === 17) client.send(handshakeApi, 0, { mechanism: 'SCRAM-SHA-256' });
      else client.send(metadataApi, 12, makeMetadataRequest({ topics: [] }));
    }
    expect(await client.next()).not.toBeNull();
    expect(await client.next()).toBeNull();
  });

  it('learns the versions of ApiVersions and may ask again', async () => {
    const client = await broker.connect();
    const frame = Buffer.from('0012006300000001ffff00', 'hex');
    client.sendRaw(frame);
    expect((await client.next())?.readInt16BE(4)).toBe(ErrorCode.UNSUPPORTED_VERSION);
    client.send(apiVersionsApi, 0, makeApiVersionsRequest());
    expect((await client.next())?.readInt16BE(4)).toBe(0);
  });

  it('may call itself properly after an ApiVersions that was not valid', async () => {
    const client = await broker.connect();
    expect((await client.ask(apiVersionsApi, 3, makeApiVersionsRequest({ clientSoftwareName: ' ', clientSoftwareVersion: '1' })))?.errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await client.ask(apiVersionsApi, 3, versions))?.errorCode).toBe(0);
    expect((await client.handshake('PLAIN'))?.errorCode).toBe(0);
  });

  it('and asks something else amid the login gets ILLEGAL_SASL_STATE in the words of that API, and is closed', async () => {
    const client = await broker.connect();
    await client.handshake('PLAIN');
    const answer = await client.ask(metadataApi, 12, makeMetadataRequest({ topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAAAA', name: 'a' }] }));
    expect(answer?.topics[0]?.errorCode ?? answer).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect(await client.next()).toBeNull();
  });

  it('and wants an unknown mechanism is told the known ones, and closed', async () => {
    for (const mechanism of ['GSSAPI', 'plain', '', 'x'.repeat(1000)]) {
      const client = await broker.connect();
      expect(await client.handshake(mechanism)).toEqual({ errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] });
      await client.untilClosed();
    }
  });

  it('and claims a request above sasl.server.max.receive.size is closed before it is sent', async () => {
    const client = await broker.connect();
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(524_289);
    client.wire.write([prefix]);
    expect(await client.next()).toBeNull();
    const bare = await broker.connect();
    await bare.handshake('PLAIN', 0);
    bare.sendRaw(Buffer.alloc(524_288, 'x'));
    expect(await bare.next()).toBeNull();
  });

  it('gets no answer to a failure in bare tokens but the end', async () => {
    const client = await broker.connect();
    await client.handshake('PLAIN', 0);
    client.sendRaw(Buffer.from('\0alice\0wrong'));
    expect(await client.next()).toBeNull();
  });

  it('leaves no secret in the log', () => {
    const lines = JSON.stringify(broker.logger.lines);
    expect(lines).toContain('Invalid username or password');
    for (const secret of ['alice-secret', 'carol-secret', 's3cr3t-of-tokens', 'wrong']) expect(lines).not.toContain(secret);
  });
});

describe('who has logged in', () => {
  it('and logs in again without need, or on a listener without SASL, gets ILLEGAL_SASL_STATE', async () => {
    const client = await broker.connect();
    await client.handshake('PLAIN');
    await client.authenticate(PLAIN);
    expect(await client.handshake('PLAIN')).toEqual({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] });
    expect((await client.authenticate(PLAIN))?.errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect(await isServed(client)).toBe(true);
    const plain = await broker.connect(1);
    expect((await plain.handshake('PLAIN'))?.errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect((await plain.authenticate(PLAIN))?.errorCode).toBe(ErrorCode.ILLEGAL_SASL_STATE);
    expect((await plain.ask(createTokenApi, 3, makeCreateDelegationTokenRequest({ ownerPrincipalName: null })))?.errorCode).toBe(ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
    expect(await isServed(plain)).toBe(true);
  });
});

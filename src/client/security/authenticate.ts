/** Logs a new connection in by SASL, and again before the login ends (KIP-368). */
import { SaslError } from '../../base/sasl/index.ts';
import type { Random } from '../../base/ports.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeSaslAuthenticateRequest, readSaslAuthenticateResponse, writeSaslAuthenticateRequest } from '../../protocol/generated/saslAuthenticate.ts';
import { readSaslHandshakeResponse, writeSaslHandshakeRequest } from '../../protocol/generated/saslHandshake.ts';
import { ClientError } from '../core/clientError.ts';
import type { BrokerConnection } from '../core/connection.ts';
import type { SaslExchange } from './mechanisms.ts';

const handshakeApi = { apiKey: ApiKey.SaslHandshake, versionMax: 1, write: writeSaslHandshakeRequest, read: readSaslHandshakeResponse } as const;
const authenticateApi = { apiKey: ApiKey.SaslAuthenticate, versionMax: 2, write: writeSaslAuthenticateRequest, read: readSaslAuthenticateResponse } as const;

/** Handshakes of version 0 are followed by bare tokens, which no broker since Kafka 1.0 needs. */
const HANDSHAKE_VERSION_MIN = 1;
const STEPS_MAX = 10;
/** A login is renewed after a part of its life between these, so that clients do not come all at once. */
const RENEWED_FROM = 0.85;
const RENEWED_TO = 0.95;

/** What `ClusterOptions.authenticate` does. Rejects with ClientError: AUTHENTICATION_FAILED, or what befell the connection. */
export function saslAuthenticator(exchange: () => SaslExchange, random: Random): (connection: BrokerConnection) => Promise<void> {
  const login = async (connection: BrokerConnection): Promise<void> => {
    const lifetimeMs = await logIn(connection, exchange());
    if (lifetimeMs <= 0) return;
    connection.renewLoginAfter(lifetimeMs * (RENEWED_FROM + (RENEWED_TO - RENEWED_FROM) * random.next()), () => login(connection));
  };
  return login;
}

/** Returns how long the login holds in milliseconds; 0: without end. */
async function logIn(connection: BrokerConnection, exchange: SaslExchange): Promise<number> {
  const version = connection.versionOf(handshakeApi, HANDSHAKE_VERSION_MIN);
  const { errorCode, mechanisms } = await connection.request(handshakeApi, { mechanism: exchange.mechanism }, { version });
  if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) throw failed(`the broker does not take ${exchange.mechanism}; it takes: ${mechanisms.join(', ')}`);
  if (errorCode !== ErrorCode.NONE) throw failed(`the broker refused the SASL handshake with error ${errorCode}`);
  try {
    return await exchangeTokens(connection, exchange);
  } catch (error) {
    throw error instanceof SaslError ? failed(error.message) : error;
  }
}

async function exchangeTokens(connection: BrokerConnection, exchange: SaslExchange): Promise<number> {
  let token: Buffer | null = await exchange.first();
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const answer = await connection.request(authenticateApi, makeSaslAuthenticateRequest({ authBytes: token }));
    if (answer.errorCode !== ErrorCode.NONE) throw failed(answer.errorMessage ?? `error ${answer.errorCode}`);
    token = await exchange.next(answer.authBytes);
    if (token === null) return Number(answer.sessionLifetimeMs);
  }
  throw failed('the broker does not come to an end');
}

const failed = (message: string): ClientError => new ClientError('AUTHENTICATION_FAILED', message);

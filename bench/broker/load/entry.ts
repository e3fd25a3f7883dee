/** Connections as the order wants them: through TLS, logged in, or plain. */
import { encodePlainResponse } from '../../../src/base/sasl/plain.ts';
import type { TlsSettings } from '../../../src/base/securityProtocol.ts';
import type { Network } from '../../../src/base/wire.ts';
import { createTlsClientNetwork } from '../../../src/net/tls/index.ts';
import { saslAuthenticate, saslAuthenticateRequest, saslHandshake, saslHandshakeRequest } from './calls.ts';
import { LoadConnection } from './connection.ts';
import type { LoadLogin, LoadOrder } from './order.ts';

const MECHANISM = 'PLAIN';

type Place = Pick<LoadOrder, 'host' | 'port' | 'entry'>;

/** One for the process, so that keys are read once. */
let secured: Network | null = null;

/** The administrator makes topics and lists; the client does what is measured. */
export async function openAs(who: 'administrator' | 'client', { host, port, entry }: Place): Promise<LoadConnection> {
  if (entry === undefined) return LoadConnection.open(host, port);
  if (entry.trusted !== null) secured ??= createTlsClientNetwork(trusting(entry.trusted));
  const connection = await LoadConnection.open(host, port, secured ?? undefined);
  if (entry.logins !== null) await logIn(connection, entry.logins[who]);
  return connection;
}

async function logIn(connection: LoadConnection, { username, password }: LoadLogin): Promise<void> {
  const offered = await connection.call(saslHandshake, saslHandshakeRequest(MECHANISM));
  if (offered.errorCode !== 0) throw new Error(`SaslHandshake failed with error code ${offered.errorCode}`);
  const answer = await connection.call(saslAuthenticate, saslAuthenticateRequest(encodePlainResponse({ authorizationId: '', username, password })));
  if (answer.errorCode !== 0) throw new Error(`SaslAuthenticate failed with error code ${answer.errorCode}`);
}

function trusting(authority: string): TlsSettings {
  return {
    keystoreType: 'PEM', keystoreLocation: null, keystorePassword: null, keyPassword: null, keystoreKey: null, keystoreCertificateChain: null,
    truststoreType: 'PEM', truststoreLocation: null, truststorePassword: null, truststoreCertificates: authority,
    enabledProtocols: ['TLSv1.3'], cipherSuites: [], clientAuth: 'none', endpointIdentificationAlgorithm: 'https',
  };
}

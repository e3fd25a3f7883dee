/** The APIs of authentication. */
import type { Served } from '../dispatch.ts';
import { alterUserScramCredentialsHandler } from '../handlers/alterUserScramCredentials.ts';
import { createDelegationTokenHandler } from '../handlers/createDelegationToken.ts';
import { describeDelegationTokenHandler } from '../handlers/describeDelegationToken.ts';
import { describeUserScramCredentialsHandler } from '../handlers/describeUserScramCredentials.ts';
import { expireDelegationTokenHandler } from '../handlers/expireDelegationToken.ts';
import { renewDelegationTokenHandler } from '../handlers/renewDelegationToken.ts';
import { saslAuthenticateHandler } from '../handlers/saslAuthenticate.ts';
import { saslHandshakeHandler } from '../handlers/saslHandshake.ts';

export const securityHandlers: readonly Served['handler'][] = [
  saslHandshakeHandler, saslAuthenticateHandler, describeUserScramCredentialsHandler, alterUserScramCredentialsHandler, createDelegationTokenHandler, renewDelegationTokenHandler,
  expireDelegationTokenHandler, describeDelegationTokenHandler,
];

import { OAUTH_BEARER_ABORT, oauthBearerFailure, parseOAuthBearerResponse, SaslError } from '../../../base/sasl/index.ts';
import type { TokenChecker } from '../oauth/tokenChecker.ts';
import { TokenError } from '../oauth/claims.ts';
import { NOTHING, type SaslServer, type SaslStep } from './saslServer.ts';

/** OAUTHBEARER. A token that is not taken is first reported to the client in a message of its own, as RFC 7628 has it. */
export class OAuthServer implements SaslServer {
  readonly #checker: TokenChecker;
  readonly #onRefused: (reason: string) => void;
  #failure: Buffer | null = null;

  /** `onRefused` hears why a token was not taken, which the client is not told. */
  constructor(checker: TokenChecker, onRefused: (reason: string) => void) {
    this.#checker = checker;
    this.#onRefused = onRefused;
  }

  async evaluate(message: Buffer): Promise<SaslStep> {
    if (this.#failure !== null) {
      const isAbort = message.equals(OAUTH_BEARER_ABORT);
      throw new SaslError(isAbort ? this.#failure.toString('utf8') : 'Invalid OAUTHBEARER message after a failure', isAbort);
    }
    const { authorizationId, token } = parseOAuthBearerResponse(message);
    try {
      const { subject, expiresAtMs } = await this.#checker.check(token);
      if (authorizationId !== '' && authorizationId !== subject) {
        throw new SaslError('Authentication failed: Client requested an authorization id that is different from the token\'s principal name', true);
      }
      return { reply: NOTHING, identity: { principal: `User:${subject}`, isTokenAuthenticated: false, expiresAtMs } };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      this.#onRefused(error.message);
      this.#failure = oauthBearerFailure(error.isScope ? 'insufficient_scope' : 'invalid_token', error.scope);
      return { reply: this.#failure, identity: null };
    }
  }
}

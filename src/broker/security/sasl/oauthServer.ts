import { OAUTH_BEARER_ABORT, oauthBearerFailure, parseOAuthBearerResponse, SaslError } from '../../../base/sasl/index.ts';
import type { TokenChecker } from '../oauth/tokenChecker.ts';
import { TokenError } from '../oauth/claims.ts';
import { NOTHING, type SaslServer, type SaslStep } from './saslServer.ts';

/** OAUTHBEARER. A token that is not taken is first reported to the client in a message of its own, as RFC 7628 has it. */
export class OAuthServer implements SaslServer {
  readonly #checker: TokenChecker;
  /** What the client was told of its token, and what the log says. */
  #failure: { readonly report: Buffer; readonly reason: string } | null = null;

  constructor(checker: TokenChecker) {
    this.#checker = checker;
  }

  async evaluate(message: Buffer): Promise<SaslStep> {
    if (this.#failure !== null) {
      const isAbort = message.equals(OAUTH_BEARER_ABORT);
      throw new SaslError(isAbort ? this.#failure.report.toString('utf8') : 'Invalid OAUTHBEARER message after a failure', isAbort, this.#failure.reason);
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
      const report = oauthBearerFailure(error.isScope ? 'insufficient_scope' : 'invalid_token', error.scope);
      this.#failure = { report, reason: error.message };
      return { reply: report, identity: null, problem: error.message };
    }
  }
}

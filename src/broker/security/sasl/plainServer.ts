import { isSameSecret, parsePlainResponse, SaslError, type JaasEntry } from '../../../base/sasl/index.ts';
import { NOTHING, type SaslServer, type SaslStep } from './saslServer.ts';

/** Compared with where there is no such user, so that both take the same time. */
const NOBODY = '\0';

/** PLAIN with the users of the JAAS text: `user_<name>="<password>"`. */
export class PlainServer implements SaslServer {
  readonly #jaas: JaasEntry;

  constructor(jaas: JaasEntry) {
    this.#jaas = jaas;
  }

  evaluate(message: Buffer): SaslStep {
    const { authorizationId, username, password } = parsePlainResponse(message);
    const known = this.#jaas.options.get(`user_${username}`);
    const isRight = isSameSecret(password, known ?? NOBODY) && known !== undefined;
    if (!isRight) throw new SaslError('Authentication failed: Invalid username or password', true);
    if (authorizationId !== '' && authorizationId !== username) throw new SaslError('Authentication failed: Client requested an authorization id that is different from username', true);
    return { reply: NOTHING, identity: { principal: `User:${username}`, isTokenAuthenticated: false, expiresAtMs: null } };
  }
}

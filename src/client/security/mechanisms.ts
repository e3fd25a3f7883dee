/** The client's side of SASL, one exchange each. */
import {
  clientFinalWithoutProof, clientProof, encodeClientFirstBare, encodeOAuthBearerResponse, encodePlainResponse, isServerSignature, OAUTH_BEARER_ABORT, oauthBearerFailureText, parseServerFinal,
  parseServerFirst, saltedPassword, SaslError, type ScramMechanism,
} from '../../base/sasl/index.ts';
import type { Random } from '../../base/ports.ts';

/** One login. Methods throw or reject with SaslError. */
export interface SaslExchange {
  readonly mechanism: string;
  first(): Promise<Buffer>;
  /** The answer to what the server says; null: the exchange is complete. */
  next(challenge: Buffer): Promise<Buffer | null>;
}

export class PlainExchange implements SaslExchange {
  readonly mechanism = 'PLAIN';
  readonly #username: string;
  readonly #password: string;

  constructor(username: string, password: string) {
    this.#username = username;
    this.#password = password;
  }

  async first(): Promise<Buffer> {
    return encodePlainResponse({ authorizationId: '', username: this.#username, password: this.#password });
  }

  async next(): Promise<null> {
    return null;
  }
}

export interface ScramLogin {
  readonly mechanism: ScramMechanism;
  readonly username: string;
  readonly password: string;
  /** User and password are id and HMAC of a delegation token. */
  readonly isToken: boolean;
}

const NONCE_BYTES = 24;

/** Checks the server as well: who does not know the password cannot answer. */
export class ScramExchange implements SaslExchange {
  readonly mechanism: string;
  readonly #login: ScramLogin;
  readonly #nonce: string;
  readonly #bare: string;
  #sent: { readonly salted: Buffer; readonly message: string } | null = null;

  constructor(login: ScramLogin, random: Random) {
    this.mechanism = login.mechanism.name;
    this.#login = login;
    this.#nonce = Buffer.from(random.bytes(NONCE_BYTES)).toString('base64url');
    this.#bare = encodeClientFirstBare(login.username, this.#nonce, login.isToken ? new Map([['tokenauth', 'true']]) : new Map());
  }

  async first(): Promise<Buffer> {
    return Buffer.from(`n,,${this.#bare}`, 'utf8');
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    if (this.#sent === null) return this.#final(challenge);
    const { salted, message } = this.#sent;
    if (!isServerSignature(this.#login.mechanism, salted, message, parseServerFinal(challenge))) throw new SaslError('Invalid server signature in server final message');
    return null;
  }

  async #final(challenge: Buffer): Promise<Buffer> {
    const { mechanism, password } = this.#login;
    const { nonce, salt, iterations, text } = parseServerFirst(challenge);
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) throw new SaslError('Invalid server nonce: it does not start with the client\'s');
    if (iterations < mechanism.iterationsMin) throw new SaslError(`Requested iterations ${iterations} is less than the minimum ${mechanism.iterationsMin} for ${mechanism.name}`);
    const salted = await saltedPassword(mechanism, password, salt, iterations);
    const withoutProof = clientFinalWithoutProof(nonce);
    const message = `${this.#bare},${text},${withoutProof}`;
    this.#sent = { salted, message };
    return Buffer.from(`${withoutProof},p=${clientProof(mechanism, salted, message).toString('base64')}`, 'utf8');
  }
}

export class OAuthBearerExchange implements SaslExchange {
  readonly mechanism = 'OAUTHBEARER';
  readonly #token: () => Promise<string>;
  readonly #extensions: ReadonlyMap<string, string>;
  #failure: string | null = null;

  constructor(token: () => Promise<string>, extensions: ReadonlyMap<string, string>) {
    this.#token = token;
    this.#extensions = extensions;
  }

  async first(): Promise<Buffer> {
    return encodeOAuthBearerResponse({ authorizationId: '', token: await this.#token(), extensions: this.#extensions });
  }

  async next(challenge: Buffer): Promise<Buffer | null> {
    if (this.#failure !== null) throw new SaslError(`the token was not accepted: ${this.#failure}`);
    if (challenge.length === 0) return null;
    this.#failure = oauthBearerFailureText(challenge);
    return OAUTH_BEARER_ABORT;
  }
}

/** What a client and a broker share of SASL: messages, keys and the JAAS text. */
export { JaasError, parseJaas, type JaasEntry } from './jaas.ts';
export { encodeOAuthBearerResponse, OAUTH_BEARER_ABORT, oauthBearerFailure, oauthBearerFailureText, parseOAuthBearerResponse, type OAuthBearerResponse } from './oauthBearer.ts';
export { encodePlainResponse, isSameSecret, parsePlainResponse, type PlainResponse } from './plain.ts';
export { SaslError } from './saslError.ts';
export * from './scram.ts';
export * from './scramMessages.ts';

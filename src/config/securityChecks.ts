/** What the security settings of a listener must be, so that nothing that would protect data is ignored. */
import { JaasError, parseJaas, SCRAM_MECHANISMS } from '../base/sasl/index.ts';
import { usesSasl, usesTls, type SecurityProtocol } from '../base/securityProtocol.ts';
import { brokerTable } from './tables.ts';
import { baseKeyOf, listenerPrefix, listenerText } from './listenerKeys.ts';
import { listenerSaslSettings, listenerTlsSettings, type MechanismSettings, type OAuthSettings } from './listenerSecurity.ts';
import { staticLayers, type Settings } from './layers.ts';
import type { Findings } from './listeners.ts';
import { parseMappingRules } from './principalMapping.ts';
import { allowedText, parseValue, splitList } from './values.ts';

const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule';
const OAUTH_MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule';
/** Kafka's name for tokens that nobody has signed: only for trying things out. */
export const UNSECURED_OAUTH_HANDLER = 'org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler';
const SECURED_OAUTH_HANDLERS: ReadonlySet<string> = new Set([
  'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler',
  'org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerValidatorCallbackHandler',
]);
const TLS_VERSIONS: ReadonlySet<string> = new Set(['TLSv1.2', 'TLSv1.3']);
const MODULES: ReadonlyMap<string, string> = new Map([
  ['PLAIN', PLAIN_MODULE], ['OAUTHBEARER', OAUTH_MODULE], ...SCRAM_MECHANISMS.map(({ name }) => [name, SCRAM_MODULE] as const),
]);

/** Values of `listener.name.*` settings, one by one. */
export function checkListenerValues(settings: Settings, findings: Findings): void {
  for (const [name, text] of settings) {
    const key = brokerTable.has(name) ? undefined : baseKeyOf(name);
    if (key === undefined) continue;
    const parsed = parseValue(key, text);
    if (!parsed.ok) findings.refuse(name, `${parsed.problem}; allowed: ${allowedText(key)}`);
  }
}

export function checkListenerSecurity(name: string, protocol: SecurityProtocol, settings: Settings, findings: Findings): void {
  if (usesTls(protocol)) checkTls(name, settings, findings);
  if (usesSasl(protocol)) checkSasl(name, settings, findings);
}

function checkTls(name: string, settings: Settings, findings: Findings): void {
  const key = (suffix: string): string => (settings.has(`${listenerPrefix(name)}${suffix}`) ? listenerPrefix(name) + suffix : suffix);
  const tls = listenerTlsSettings(staticLayers(settings), name);
  if (tls.keystoreLocation === null && tls.keystoreKey === null) {
    findings.refuse(key('ssl.keystore.location'), `listener ${name} uses TLS and has no key; set ssl.keystore.location, or ssl.keystore.type=PEM with ssl.keystore.key and ssl.keystore.certificate.chain`);
  }
  const odd = tls.enabledProtocols.find((version) => !TLS_VERSIONS.has(version));
  if (odd !== undefined || tls.enabledProtocols.length === 0) findings.refuse(key('ssl.enabled.protocols'), `allowed: ${[...TLS_VERSIONS].join(', ')}`);
  for (const suffix of ['ssl.engine.factory.class', 'ssl.provider']) {
    if ((listenerText(staticLayers(settings), name, suffix) ?? '') !== '') findings.refuse(key(suffix), 'Java classes and providers of TLS cannot be loaded; allowed: leave it out');
  }
}

function checkSasl(name: string, settings: Settings, findings: Findings): void {
  const layers = staticLayers(settings);
  const prefix = listenerPrefix(name);
  const key = (suffix: string): string => (settings.has(prefix + suffix) ? prefix + suffix : suffix);
  const { mechanisms, oauth } = listenerSaslSettings(layers, name);
  if (mechanisms.length === 0) findings.refuse(key('sasl.enabled.mechanisms'), `listener ${name} uses SASL and no mechanism is enabled; allowed: ${[...MODULES.keys()].join(', ')}`);
  for (const mechanism of mechanisms) checkMechanism(mechanism, name, oauth, key, findings);
}

function checkMechanism(settings: MechanismSettings, listenerName: string, oauth: OAuthSettings, key: (suffix: string) => string, findings: Findings): void {
  const { mechanism, callbackHandler } = settings;
  const module = MODULES.get(mechanism);
  if (module === undefined) {
    const why = mechanism === 'GSSAPI' ? 'GSSAPI (Kerberos) is not supported' : `${mechanism} is not known`;
    findings.refuse(key('sasl.enabled.mechanisms'), `${why}; allowed for listener ${listenerName}: ${[...MODULES.keys()].join(', ')}`);
    return;
  }
  checkJaas(settings, module, listenerName, findings);
  const handlerKey = `${listenerPrefix(listenerName)}${mechanism.toLowerCase()}.sasl.server.callback.handler.class`;
  if (mechanism === 'OAUTHBEARER') checkOAuth(callbackHandler, handlerKey, oauth, key, findings);
  else if (callbackHandler !== null) findings.refuse(handlerKey, 'Java classes cannot be loaded; allowed: leave it out');
}

function checkJaas({ mechanism, jaasText }: MechanismSettings, module: string, listenerName: string, findings: Findings): void {
  const key = `${listenerPrefix(listenerName)}${mechanism.toLowerCase()}.sasl.jaas.config`;
  if (jaasText === null) {
    if (mechanism === 'PLAIN') findings.refuse(key, `PLAIN has no users; set it to: ${PLAIN_MODULE} required user_alice="a password";`);
    return;
  }
  try {
    const entry = parseJaas(jaasText);
    if (entry.module !== module) findings.refuse(key, `the login module of ${mechanism} must be ${module}`);
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
    findings.refuse(key, error.message);
  }
}

function checkOAuth(callbackHandler: string | null, handlerKey: string, oauth: OAuthSettings, key: (suffix: string) => string, findings: Findings): void {
  if (callbackHandler === UNSECURED_OAUTH_HANDLER) {
    findings.note(`${handlerKey}: tokens without a signature are taken; anybody can be anyone`);
    return;
  }
  if (callbackHandler !== null && !SECURED_OAUTH_HANDLERS.has(callbackHandler)) {
    findings.refuse(handlerKey, `Java classes cannot be loaded; allowed: ${[...SECURED_OAUTH_HANDLERS].join(', ')}, ${UNSECURED_OAUTH_HANDLER}`);
    return;
  }
  const url = oauth.jwksUrl ?? '';
  if (!/^(?:file|https?):\/\/./.test(url)) {
    findings.refuse(key('sasl.oauthbearer.jwks.endpoint.url'), `OAUTHBEARER needs the keys that tokens are signed with; allowed: file:///..., https://..., or ${handlerKey}=${UNSECURED_OAUTH_HANDLER} to take unsigned tokens`);
  }
  if (!Number.isInteger(oauth.clockSkewSeconds) || oauth.clockSkewSeconds < 0) findings.refuse(key('sasl.oauthbearer.clock.skew.seconds'), 'allowed: 0 or more');
}

/** Settings of all listeners together. */
export function checkSecuritySettings(settings: Settings, findings: Findings): void {
  checkMappingRules(settings, findings);
  const builder = settings.get('principal.builder.class')?.trim();
  if (builder !== undefined && builder !== '' && builder !== 'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder') {
    findings.refuse('principal.builder.class', 'Java classes cannot be loaded; allowed: org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder');
  }
  if (splitList(settings.get('security.providers') ?? '').length > 0) findings.refuse('security.providers', 'Java security providers cannot be loaded; allowed: leave it out');
}

function checkMappingRules(settings: Settings, findings: Findings): void {
  const key = 'ssl.principal.mapping.rules';
  try {
    parseMappingRules(settings.get(key) ?? '');
  } catch (error) {
    findings.refuse(key, (error as Error).message);
  }
}

import { describe, expect, it } from 'vitest';
import { describeBrokerConfigs } from '../../src/config/describe.ts';
import { validateDynamicBrokerConfigs } from '../../src/config/dynamicBroker.ts';
import { staticLayers } from '../../src/config/layers.ts';
import { listenerSaslSettings, listenerTlsSettings } from '../../src/config/listenerSecurity.ts';
import { refusal, validate } from './helpers.ts';

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="wonder land";';
const sasl = { listeners: 'OUT://127.0.0.1:1', 'listener.security.protocol.map': 'OUT:SASL_PLAINTEXT' };
const tls = { listeners: 'SSL://127.0.0.1:1' };

describe('the security of a listener', () => {
  it.each([
    [{ ...tls }, 'ssl.keystore.location', 'has no key'],
    [{ ...tls, 'ssl.keystore.location': '/k', 'ssl.enabled.protocols': 'TLSv1.1' }, 'ssl.enabled.protocols', 'TLSv1.2'],
    [{ ...tls, 'ssl.keystore.location': '/k', 'listener.name.ssl.ssl.client.auth': 'maybe' }, 'listener.name.ssl.ssl.client.auth', 'requested'],
    [{ ...tls, 'ssl.keystore.location': '/k', 'ssl.engine.factory.class': 'a.B' }, 'ssl.engine.factory.class', 'cannot be loaded'],
    [{ ...sasl }, 'sasl.enabled.mechanisms', 'GSSAPI (Kerberos) is not supported'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'DIGEST-MD5' }, 'sasl.enabled.mechanisms', 'not known'],
    [{ ...sasl, 'sasl.enabled.mechanisms': '' }, 'sasl.enabled.mechanisms', 'no mechanism'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'PLAIN' }, 'listener.name.out.plain.sasl.jaas.config', 'no users'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.plain.sasl.jaas.config': 'x required' }, 'listener.name.out.plain.sasl.jaas.config', 'semicolon'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.plain.sasl.jaas.config': 'x.Y required;' }, 'listener.name.out.plain.sasl.jaas.config', 'login module of PLAIN'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.plain.sasl.jaas.config': PLAIN, 'listener.name.out.plain.sasl.server.callback.handler.class': 'a.B' }, 'listener.name.out.plain.sasl.server.callback.handler.class', 'cannot be loaded'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'OAUTHBEARER' }, 'sasl.oauthbearer.jwks.endpoint.url', 'needs the keys'],
    [{ ...sasl, 'sasl.enabled.mechanisms': 'OAUTHBEARER', 'listener.name.out.oauthbearer.sasl.server.callback.handler.class': 'a.B' }, 'listener.name.out.oauthbearer.sasl.server.callback.handler.class', 'cannot be loaded'],
    [{ 'ssl.principal.mapping.rules': 'RULE:x' }, 'ssl.principal.mapping.rules', 'RULE:pattern'],
    [{ 'principal.builder.class': 'a.B' }, 'principal.builder.class', 'cannot be loaded'],
  ])('%j is refused', (settings, key, message) => {
    const { problems } = refusal(settings as Record<string, string>);
    expect(problems.map((problem) => problem.key)).toContain(key);
    expect(problems.map((problem) => problem.message).join()).toContain(message);
  });

  it('takes settings of the mechanism before those of the listener before those of all', () => {
    const { config } = validate({
      ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256', 'listener.name.out.plain.sasl.jaas.config': PLAIN,
      'connections.max.reauth.ms': '1', 'listener.name.out.connections.max.reauth.ms': '2', 'listener.name.out.plain.connections.max.reauth.ms': '3',
    });
    expect(config.listeners[0]?.securityProtocol).toBe('SASL_PLAINTEXT');
    expect(listenerSaslSettings(config.layers, 'OUT').mechanisms.map(({ mechanism, maxReauthMs, jaasText }) => [mechanism, maxReauthMs, jaasText])).toEqual([
      ['PLAIN', 3, PLAIN], ['SCRAM-SHA-256', 2, null],
    ]);
    const ssl = validate({ ...tls, 'ssl.keystore.location': '/all', 'listener.name.ssl.ssl.keystore.location': '/one', 'ssl.keystore.password': 'p' }).config;
    expect(listenerTlsSettings(ssl.layers, 'SSL')).toMatchObject({ keystoreLocation: '/one', keystorePassword: 'p', keystoreType: 'JKS', clientAuth: 'none', enabledProtocols: ['TLSv1.2', 'TLSv1.3'] });
  });

  it('shows no secret, neither of a listener nor of an unknown key of one', () => {
    const secret = 'wonder land';
    const error = refusal({ ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.plain.sasl.jaas.config': `${PLAIN} x` });
    expect(error.message).not.toContain(secret);
    const { config, warnings } = validate({
      ...sasl, 'sasl.enabled.mechanisms': 'PLAIN', 'listener.name.out.plain.sasl.jaas.config': PLAIN, 'listener.name.out.ssl.keystore.password': secret, 'listener.name.out.mystery': secret,
      'listener.name.out.ssl.keystore.location': '/shown',
    });
    const described = describeBrokerConfigs(config.layers, null);
    expect(JSON.stringify(described)).not.toContain(secret);
    expect(warnings.join()).not.toContain(secret);
    expect(described.find(({ name }) => name === 'listener.name.out.ssl.keystore.location')).toMatchObject({ value: '/shown', isSensitive: false });
    expect(described.find(({ name }) => name === 'listener.name.out.plain.sasl.jaas.config')).toMatchObject({ value: null, isSensitive: true });
  });

  it('can be changed while running for one broker, not for all, and is checked', () => {
    const change = (value: string, isDefault: boolean) => validateDynamicBrokerConfigs(new Map([['listener.name.out.ssl.client.auth', value]]), isDefault, staticLayers(new Map()));
    expect(change('required', false)).toBeNull();
    expect(change('sometimes', false)).toContain('Invalid value');
    expect(change('required', true)).toContain('broker id must be specified');
  });
});

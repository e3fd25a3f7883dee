import { describe, expect, it } from 'vitest';
import { refusal, validate } from './helpers.ts';

const listenersOf = (settings: Record<string, string>) =>
  validate(settings).config.listeners.map(({ name, hosts, port, advertisedHost, advertisedPort }) => `${name} ${hosts.join('+')} ${port} -> ${advertisedHost}:${advertisedPort}`);

describe('listeners', () => {
  it.each([
    [{ listeners: 'PLAINTEXT://:9092' }, ['PLAINTEXT :: 9092 -> machine.example:9092']],
    [{ listeners: 'PLAINTEXT://localhost:0' }, ['PLAINTEXT 127.0.0.1+::1 0 -> localhost:0']],
    [{ listeners: 'PLAINTEXT://[::1]:9092' }, ['PLAINTEXT ::1 9092 -> ::1:9092']],
    [{ listeners: 'PLAINTEXT://0.0.0.0:9092', 'advertised.listeners': 'PLAINTEXT://b:1' }, ['PLAINTEXT 0.0.0.0 9092 -> b:1']],
    [
      { listeners: 'external://127.0.0.1:1, INTERNAL://127.0.0.1:2', 'listener.security.protocol.map': 'EXTERNAL:PLAINTEXT,internal:plaintext', 'advertised.listeners': 'EXTERNAL://out:9' },
      ['EXTERNAL 127.0.0.1 1 -> out:9', 'INTERNAL 127.0.0.1 2 -> 127.0.0.1:2'],
    ],
    [{ listeners: 'PLAINTEXT://a:1,CONTROLLER://a:2', 'controller.listener.names': 'CONTROLLER' }, ['PLAINTEXT a 1 -> a:1']],
    [{ listeners: 'A://127.0.0.1:1,B://[::1]:1', 'listener.security.protocol.map': 'A:PLAINTEXT,B:PLAINTEXT' }, ['A 127.0.0.1 1 -> 127.0.0.1:1', 'B ::1 1 -> ::1:1']],
    [{ 'advertised.listeners': 'PLAINTEXT://localhost:19092' }, ['PLAINTEXT 127.0.0.1+::1 9092 -> localhost:19092']],
  ])('%j', (settings, expected) => {
    expect(listenersOf(settings as Record<string, string>)).toEqual(expected);
  });

  it.each([
    [{ listeners: '' }, 'listeners', 'NAME://host:port'],
    [{ listeners: 'PLAINTEXT:9092' }, 'listeners', 'NAME://host:port'],
    [{ listeners: 'PLAINTEXT://a:65536' }, 'listeners', 'ports 0 to 65535'],
    [{ listeners: 'PLAINTEXT://a:1,PLAINTEXT://a:2' }, 'listeners', 'a name of its own'],
    [{ listeners: 'PLAINTEXT://a:1,X://b:1', 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,X:PLAINTEXT' }, 'listeners', 'a port of its own'],
    [{ listeners: 'PLAINTEXT://0.0.0.0:1' }, 'advertised.listeners', 'must be set'],
    [{ listeners: 'PLAINTEXT://a:1', 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }, 'advertised.listeners', 'cannot connect'],
    [{ listeners: 'PLAINTEXT://a:1', 'advertised.listeners': 'OTHER://a:1' }, 'advertised.listeners', 'not one of listeners'],
    [{ listeners: 'X://a:1' }, 'listener.security.protocol.map', 'no protocol for listener X'],
    [{ 'listener.security.protocol.map': 'X:TELNET' }, 'listener.security.protocol.map', 'not allowed'],
    [{ listeners: 'CONTROLLER://a:1', 'controller.listener.names': 'CONTROLLER' }, 'listeners', 'no listener for clients'],
  ])('%j is refused', (settings, key, message) => {
    const { problems } = refusal(settings as Record<string, string>);
    expect(problems.map((problem) => problem.key)).toContain(key);
    expect(problems.map((problem) => problem.message).join()).toContain(message);
  });

  it('says when what is advertised cannot be reached from elsewhere', () => {
    expect(validate({ 'advertised.listeners': 'PLAINTEXT://broker.example:9092' }).warnings.join()).toContain('only this machine can connect');
  });

  it('leaves a secured controller listener alone, since it is not opened', () => {
    expect(listenersOf({ listeners: 'PLAINTEXT://a:1,C://a:2', 'controller.listener.names': 'C', 'listener.security.protocol.map': 'C:SSL,PLAINTEXT:PLAINTEXT' })).toEqual(['PLAINTEXT a 1 -> a:1']);
  });
});

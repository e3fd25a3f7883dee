import { describe, expect, it } from 'vitest';
import { adminOptions, consumerOptions, defaultConsumerOptions, defaultProducerOptions, producerOptions } from '../../src/client/index.ts';

const settings = (given: Record<string, string> = {}): Map<string, string> => new Map(Object.entries({ 'bootstrap.servers': 'localhost:9092', ...given }));

describe('client settings', () => {
  it('have the defaults of the options', () => {
    expect(producerOptions(settings()).options).toEqual(defaultProducerOptions);
    expect(consumerOptions(settings()).options).toEqual(defaultConsumerOptions);
    expect(adminOptions(settings()).cluster).toMatchObject({ bootstrap: [{ host: 'localhost', port: 9092 }], requestTimeoutMs: 30_000, apiTimeoutMs: 60_000, retryBackoffMs: 100 });
  });

  it('become options', () => {
    expect(producerOptions(settings({ acks: '1', 'linger.ms': '7', 'compression.type': 'zstd', 'compression.zstd.level': '5', retries: '2' })).options)
      .toMatchObject({ acks: 1, isIdempotent: false, lingerMs: 7, codec: 4, compressionLevel: 5, retriesMax: 2 });
    expect(consumerOptions(settings({ 'group.id': 'g', 'group.instance.id': 'i', 'session.timeout.ms': '9000', 'enable.auto.commit': 'FALSE' })).options)
      .toMatchObject({ group: { groupId: 'g', instanceId: 'i', sessionTimeoutMs: 9000, heartbeatIntervalMs: 3000 }, enableAutoCommit: false });
  });

  it('turn idempotence off where it cannot be, unless it was asked for', () => {
    const conflicts: Record<string, string>[] = [{ acks: '0' }, { retries: '0' }, { 'max.in.flight.requests.per.connection': '6' }];
    for (const given of conflicts) {
      expect(producerOptions(settings(given)).options.isIdempotent).toBe(false);
      expect(() => producerOptions(settings({ ...given, 'enable.idempotence': 'true' }))).toThrow(/Must set/);
    }
  });

  it('keep the delivery timeout above what one try takes', () => {
    expect(producerOptions(settings({ 'request.timeout.ms': '200000' })).options.deliveryTimeoutMs).toBe(200_005);
    expect(() => producerOptions(settings({ 'request.timeout.ms': '200000', 'delivery.timeout.ms': '1000' }))).toThrow(/delivery.timeout.ms should be/);
  });

  it.each([
    [{ 'linger.ms': 'x' }, 'Invalid value x for configuration linger.ms: Not a number of type LONG'],
    [{ 'batch.size': '-1' }, 'Invalid value -1 for configuration batch.size: Value must be at least 0'],
    [{ acks: '2' }, 'Invalid value 2 for configuration acks: String must be one of: all, -1, 0, 1'],
    [{ 'security.protocol': 'SASL_SSL' }, 'sasl.mechanism=GSSAPI is not supported by this client'],
    [{ 'security.protocol': 'TLS' }, 'Invalid value TLS for configuration security.protocol'],
    [{ 'transactional.id': 't', 'enable.idempotence': 'false' }, 'Cannot set a transactional.id without also enabling idempotence.'],
    [{ 'partitioner.class': 'org.example.Mine' }, 'Class org.example.Mine could not be found'],
    [{ 'bootstrap.servers': '' }, 'No bootstrap server was given'],
  ] as const)('%j is refused', (given, message) => {
    expect(() => producerOptions(settings(given as Record<string, string>))).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) }));
  });

  it('warn of what has no effect', () => {
    expect(consumerOptions(settings({ acks: '1', 'ssl.protocol': 'x', 'fetch.min.byte': '1', zzzzzzzzzz: '1' })).warnings).toEqual([
      'The setting acks has no effect in this client', 'The setting ssl.protocol has no effect in this client', 'The setting fetch.min.byte is not known. Did you mean fetch.min.bytes?', 'The setting zzzzzzzzzz is not known',
    ]);
  });
});

/**
 * `tidelog/testing`: a whole broker inside a test.
 *
 *     const broker = await startBroker({ topics: { orders: { partitions: 3 } } });
 *     ... any Kafka client on broker.bootstrap ...
 *     await broker.clock.advance(7 * 24 * 3600_000);
 *     expect(broker.records('orders')).toEqual([]);
 *     await broker.close();
 */
export type { Fault, ScriptedFault } from './faults.ts';
export { MovableClock } from './movableClock.ts';
export type { RecordedHeader, RecordedRecord } from './recordedTopic.ts';
export { startBroker, TestBroker, type TestBrokerOptions, type TestTopic } from './testBroker.ts';
export { useBroker, type TestHooks } from './useBroker.ts';

/** The broker room: what a node does with the requests of its clients. */
export { createBroker } from './broker.ts';
export type { Broker, BrokerOptions } from './broker.ts';
export type { ApiHandler, ClientConnection, ReplySlot, RequestContext, RequestSink } from './contract.ts';
export type { BrokerServices } from './services.ts';
export { storeSettings } from './storeSettings.ts';

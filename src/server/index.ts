/** Connections of clients: order, bounds and life time of what they send and get. */
export { createServer, type Server, type ServerOptions } from './server.ts';
export { ListenError, type BoundListener, type ListenerOptions } from './listeners.ts';
export type { ConnectionLimits, ServerSettings } from './settings.ts';

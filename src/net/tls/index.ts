/** TLS over the system's TCP. */
export { loadTlsMaterial, type TlsMaterial } from './keyMaterial.ts';
export { TlsError } from './tlsError.ts';
export { createTlsClientNetwork, createTlsServerNetwork } from './tlsNetwork.ts';
export { TlsServer, type TlsServerOptions } from './tlsServer.ts';

/** Byte streams: TCP, loopback inside the process, and frames cut from them. */
export { FrameReader, type FrameSink } from './frameReader.ts';
export { createLoopbackNetwork, createWirePair, LoopbackWire } from './loopback.ts';
export { SocketWire } from './socketWire.ts';
export { WRITE_HIGH_WATER_BYTES } from './streamWire.ts';
export { errorCode, NetworkError } from './systemError.ts';
export { createTcpNetwork, type TcpNetworkOptions } from './tcp.ts';
export { TcpWire } from './tcpWire.ts';

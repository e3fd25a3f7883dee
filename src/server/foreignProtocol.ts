/** Tells who speaks when the first bytes are no Kafka request, so that the log says what to change. */

const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;
const HTTP_STARTS = new Set(['GET ', 'POST', 'PUT ', 'HEAD', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']);

/** `start`: the first four bytes of the connection as the int32 that a frame's length would be. Null: cannot tell. */
export function foreignProtocol(start: number): 'TLS' | 'HTTP' | null {
  if (start >>> 24 === TLS_HANDSHAKE && ((start >>> 16) & 0xff) === TLS_MAJOR) return 'TLS';
  const text = String.fromCharCode((start >>> 24) & 0xff, (start >>> 16) & 0xff, (start >>> 8) & 0xff, start & 0xff);
  return HTTP_STARTS.has(text) ? 'HTTP' : null;
}

/** Why a frame of this length is refused. */
export function badLengthText(lengthBytes: number, limitBytes: number, isFirst: boolean): string {
  const protocol = isFirst ? foreignProtocol(lengthBytes) : null;
  if (protocol === 'TLS') return 'a TLS client connected to a listener without TLS; set security.protocol=PLAINTEXT (with logins: SASL_PLAINTEXT) in the client';
  if (protocol === 'HTTP') return 'an HTTP client connected; this port speaks the Kafka protocol';
  if (lengthBytes < 0) return `request length ${lengthBytes} is negative; the client does not speak the Kafka protocol`;
  return `request length ${lengthBytes} is above socket.request.max.bytes (${limitBytes})`;
}

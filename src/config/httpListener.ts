/** `tidelog.http.listener`: where metrics and health are read. */
export interface HttpListener {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
}

const PORT_MAX = 65_535;

/** `host:port`, with brackets around an IPv6 address. Null where the text is no such thing. */
export function parseHttpListener(text: string): HttpListener | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:\s/]+)):(\d{1,5})$/.exec(text.trim());
  if (match === null || Number(match[3]) > PORT_MAX) return null;
  return { host: match[1] ?? match[2]!, port: Number(match[3]) };
}

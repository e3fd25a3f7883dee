import { ClientError } from './clientError.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const ADDRESS = /^(?:[A-Za-z_0-9]+:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]/\s]+)):(\d{1,5})$/;
const PORT_MAX = 65_535;

/** `host:port,host:port`, `[::1]:9092`; ClientError INVALID_ARGUMENT for anything else. */
export function parseBootstrap(text: string): BrokerAddress[] {
  const parts = text.split(',').map((part) => part.trim()).filter((part) => part !== '');
  if (parts.length === 0) throw new ClientError('INVALID_ARGUMENT', 'No bootstrap server was given (wanted: host:port)');
  return parts.map((part) => {
    const match = ADDRESS.exec(part);
    const port = Number(match?.[3] ?? 0);
    if (match === null || port < 1 || port > PORT_MAX) throw new ClientError('INVALID_ARGUMENT', `Invalid url in bootstrap.servers: ${part} (wanted: host:port)`);
    return { host: match[1] ?? (match[2] as string), port };
  });
}

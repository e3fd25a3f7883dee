/** TLS for the listeners that want it: networks to open them by, and new keys while they are open. */
import type { Ports } from '../base/ports.ts';
import { usesTls } from '../base/securityProtocol.ts';
import type { Network } from '../base/wire.ts';
import { listenerTlsSettings } from '../config/listenerSecurity.ts';
import type { BrokerConfig } from '../config/types.ts';
import type { TcpNetworkOptions } from '../net/tcp.ts';
import type { TlsServer as OpenTlsServer } from '../net/tls/index.ts';

export interface SecureListeners {
  /** Undefined for a listener without TLS. */
  networkOf(listenerName: string): Network | undefined;
  /** Settings may have changed. What cannot be used is said, and the old keys stay. */
  refresh(): void;
  close(): void;
}

const NONE: SecureListeners = { networkOf: () => undefined, refresh() {}, close() {} };

/** Rejects with TlsError, the name of the listener in it. `config` is asked anew at each change. */
export async function openSecureListeners(config: () => BrokerConfig, { logger }: Ports, options: TcpNetworkOptions): Promise<SecureListeners> {
  const names = config().listeners.filter(({ securityProtocol }) => usesTls(securityProtocol)).map(({ name }) => name);
  if (names.length === 0) return NONE;
  // What reads key stores is loaded only where there are some.
  const { createTlsServerNetwork, TlsError, TlsServer } = await import('../net/tls/index.ts');
  const told = (name: string) => (error: Error | null): void => {
    if (error === null) logger.info('new keys are in use', { listener: name });
    else logger.error('new keys cannot be used; the old ones stay', { listener: name, reason: error.message });
  };
  const servers = new Map<string, OpenTlsServer>();
  const close = (): void => servers.forEach((server) => server.close());
  for (const name of names) {
    try {
      servers.set(name, await TlsServer.open({ settings: () => listenerTlsSettings(config().layers, name), onReload: told(name) }));
    } catch (error) {
      close();
      throw error instanceof TlsError ? new TlsError(`listener ${name}: ${error.message}`) : error;
    }
  }
  return {
    networkOf(name) {
      const server = servers.get(name);
      return server === undefined ? undefined : createTlsServerNetwork(server, options);
    },
    refresh() {
      for (const [name, server] of servers) server.refresh().then((isNew) => (isNew ? told(name)(null) : undefined), told(name));
    },
    close,
  };
}

/** Limits of connections, of the whole broker and of single listeners (`listener.name.<name>.`). Settings made while running hold at once. */
import type { BrokerLayers } from './layers.ts';

/** Kafka's largest int means no limit. */
const INT32_MAX = 0x7fff_ffff;

function limitIn(layers: BrokerLayers, key: string): number {
  const text = layers.dynamicBroker.get(key) ?? layers.dynamicDefault.get(key) ?? layers.static.get(key);
  const value = text === undefined ? INT32_MAX : Number(text);
  return Number.isSafeInteger(value) && value >= 0 && value < INT32_MAX ? value : Infinity;
}

export const maxConnectionCreationRate = (layers: BrokerLayers): number => limitIn(layers, 'max.connection.creation.rate');

export function listenerConnectionLimits(layers: BrokerLayers, listener: string): { maxConnections: number; maxCreationRate: number } {
  const prefix = `listener.name.${listener.toLowerCase()}.`;
  return { maxConnections: limitIn(layers, `${prefix}max.connections`), maxCreationRate: limitIn(layers, `${prefix}max.connection.creation.rate`) };
}

/** The listener between brokers, when there are others beside it: its connections are not to be kept out by clients'. */
export function protectedListener(layers: BrokerLayers, listeners: readonly { readonly name: string; readonly securityProtocol: string }[]): string | null {
  if (listeners.length < 2) return null;
  const named = layers.static.get('inter.broker.listener.name')?.trim();
  if (named !== undefined && named !== '') return named;
  const protocol = layers.static.get('security.inter.broker.protocol')?.trim() ?? 'PLAINTEXT';
  return listeners.find(({ securityProtocol }) => securityProtocol === protocol)?.name ?? null;
}

/** The settings of one log, as an application gives them: Kafka's, with a choice of durability in place of two of them. */
import { defaultTopicConfig } from '../../config/topicConfig.ts';
import type { TopicConfigView } from '../settings.ts';
import { LogError } from '../types.ts';

/**
 * When an append is synced to the medium: 'none' leaves it to the system (and to `durable` and `flush`), `everyMs` within so long,
 * 'everyAppend' before anybody can read it.
 */
export type Durability = 'none' | 'everyAppend' | { readonly everyMs: number };

export interface LogSettings extends Partial<Omit<TopicConfigView, 'flushMessages' | 'flushMs'>> {
  /** Default 'none'. */
  readonly durability?: Durability;
}

export type ResolvedSettings = LogSettings & { readonly durability: Durability };

const KNOWN = new Set<string>([...Object.keys(defaultTopicConfig), 'durability']);
const NUMBERS = ['segmentBytes', 'segmentMs', 'segmentJitterMs', 'segmentIndexBytes', 'indexIntervalBytes', 'retentionMs', 'retentionBytes', 'fileDeleteDelayMs', 'maxMessageBytes',
  'deleteRetentionMs', 'minCleanableDirtyRatio', 'minCompactionLagMs', 'maxCompactionLagMs', 'messageTimestampBeforeMaxMs', 'messageTimestampAfterMaxMs'] as const;

/** Throws LogError invalidArgument for a setting that is unknown or out of range. */
export function configOf(settings: LogSettings): TopicConfigView {
  for (const name of Object.keys(settings)) if (!KNOWN.has(name)) throw new LogError('invalidArgument', `there is no setting ${name}`);
  for (const name of NUMBERS) {
    const value = settings[name];
    if (value !== undefined && (typeof value !== 'number' || Number.isNaN(value) || value < -1)) throw new LogError('invalidArgument', `${name}: ${String(value)} is out of range`);
  }
  for (const name of ['segmentBytes', 'maxMessageBytes', 'segmentIndexBytes'] as const) {
    if (settings[name] !== undefined && settings[name] < 1) throw new LogError('invalidArgument', `${name}: ${settings[name]} is out of range`);
  }
  const { durability } = settings;
  if (typeof durability === 'object' && !(durability.everyMs > 0)) throw new LogError('invalidArgument', `durability.everyMs: ${durability.everyMs} is out of range`);
  const { durability: _, ...config } = settings;
  return { ...defaultTopicConfig, messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER, ...config, flushMessages: Number.MAX_SAFE_INTEGER, flushMs: Number.MAX_SAFE_INTEGER };
}

import type { Tool } from '../../cli/tool.ts';

/** Every tool by its name, loaded when it is called. */
export const tools: Readonly<Record<string, () => Promise<Tool>>> = {
  'kafka-console-consumer': async () => (await import('../../cli/consumer/consumerTool.ts')).consumerTool,
  'kafka-console-producer': async () => (await import('../../cli/producer/producerTool.ts')).producerTool,
  'kafka-consumer-groups': async () => (await import('../../cli/groups/consumer/consumerGroupsTool.ts')).consumerGroupsTool,
  'kafka-configs': async () => (await import('../../cli/configs/configsTool.ts')).configsTool,
  'kafka-topics': async () => (await import('../../cli/topics/topicsTool.ts')).topicsTool,
};

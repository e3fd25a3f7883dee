/** `.kafka_cleanshutdown`: the directory was stopped in order. Kafka's JSON; there is no broker epoch here. */
import { FileName } from './fileNames.ts';

export const cleanShutdownPath = (directory: string): string => `${directory}/${FileName.cleanShutdown}`;
export const cleanShutdownBytes = Buffer.from('{"version":0,"brokerEpoch":-1}', 'utf8');

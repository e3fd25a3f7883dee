/** What is printed when a broker cannot start: what is wrong and what to do, not where in the program. */
import { ConfigError } from '../../config/configError.ts';
import { DiskError } from '../../base/disk.ts';
import { MetadataError } from '../../metadata/types.ts';
import { TlsError } from '../../net/tls/tlsError.ts';
import { ListenError } from '../../server/index.ts';
import { StoreError } from '../../storage/storeError.ts';
import { UsageError } from './arguments.ts';

/** Ends with a line break. A defect of ours is printed with its stack. */
export function failureText(error: unknown): string {
  if (error instanceof UsageError) return `kafka-server-start: ${error.message}\nSee kafka-server-start --help.\n`;
  if (error instanceof ConfigError) return `The configuration cannot be used:\n${indent(error.message)}\n`;
  if (error instanceof TlsError) return `The broker cannot start: ${error.message}\n`;
  if (error instanceof ListenError) return `The broker cannot start: ${error.message}\n`;
  if (error instanceof StoreError) return `The broker cannot start: ${error.message}\n${storeAdvice(error)}`;
  if (error instanceof MetadataError) return `The broker cannot start: ${error.message}\n`;
  if (error instanceof DiskError) return `The broker cannot start: ${error.path}: ${error.message}\n`;
  return `The broker cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`;
}

function storeAdvice(error: StoreError): string {
  switch (error.code) {
    case 'locked':
      return 'Is a broker running already? Stop it, or choose another folder: --override log.dirs=/path/to/folder\n';
    case 'foreignData':
      return 'To open it here, give --adopt-kafka-data; to leave it alone, choose another folder: --override log.dirs=/path/to/folder\n';
    default:
      return '';
  }
}

const indent = (text: string): string => text.split('\n').map((line) => `  ${line}`).join('\n');

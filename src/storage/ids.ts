import type { Random } from '../base/ports.ts';

const ID_BYTES = 16;

/** A random id as Kafka writes them: 16 bytes in base64url, 22 characters, never with a leading dash. */
export function randomId(random: Random): string {
  for (;;) {
    const id = Buffer.from(random.bytes(ID_BYTES)).toString('base64url');
    if (!id.startsWith('-') && !id.startsWith('AAAA')) return id;
  }
}

/** 32 hexadecimal digits. */
export const randomHex = (random: Random): string => Buffer.from(random.bytes(ID_BYTES)).toString('hex');

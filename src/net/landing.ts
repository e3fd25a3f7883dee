/**
 * The memory where socket reads land. One buffer serves every connection of the process: a read and its callback run
 * to the end before the next read begins, so nobody else can see bytes that are still wanted.
 */

const LANDING_SIZE_BYTES = 1 << 20;
let landing: Buffer | null = null;

/** Made at the first use; pages that no read has touched cost no memory. */
export function landingBuffer(): Buffer {
  landing ??= Buffer.allocUnsafeSlow(LANDING_SIZE_BYTES);
  return landing;
}

// Owns when a shard tries again to tell what it could not.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Doubles with each failure in a row, up to half a minute. */
export function retryAfterMs(failures: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1));
}

// Owns the wait before another try: exponential with full jitter, so that many hosts never return in step.

export type BackoffRule = { baseMs: number; capMs: number };

/**
 * The wait before try number `attempt` (1 is the first retry), in ms.
 * @param jitter drawn evenly from [0, 1) by the caller, which keeps this pure.
 */
export function fullJitterMs(rule: BackoffRule, attempt: number, jitter: number): number {
  const doublings = Math.min(Math.max(0, attempt - 1), 30);
  return Math.round(Math.min(rule.capMs, rule.baseMs * 2 ** doublings) * jitter);
}

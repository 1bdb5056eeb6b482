// Owns the arithmetic of a restart budget: a sliding window over the times of past restarts. No clock: `now` is given.

import type { RestartBudget } from '../../contract/runtime-record.ts';

export type BudgetRule = { maxRestarts: number; windowMs: number };

/** Times of restarts in ms since the epoch, oldest first. */
export type SpentRestarts = readonly number[];

/** The restarts that still count: one leaves the window exactly `windowMs` after it happened. */
export function withinWindow(spent: SpentRestarts, rule: BudgetRule, nowMs: number): SpentRestarts {
  return spent.filter((at) => at + rule.windowMs > nowMs);
}

export function remainingRestarts(spent: SpentRestarts, rule: BudgetRule, nowMs: number): number {
  return Math.max(0, rule.maxRestarts - withinWindow(spent, rule, nowMs).length);
}

/** When the oldest restart leaves the window; undefined while none is in it. */
export function resetAtMs(spent: SpentRestarts, rule: BudgetRule, nowMs: number): number | undefined {
  const oldest = withinWindow(spent, rule, nowMs)[0];
  return oldest === undefined ? undefined : oldest + rule.windowMs;
}

/** Notes one restart and forgets those that no longer count. */
export function spendRestart(spent: SpentRestarts, rule: BudgetRule, nowMs: number): SpentRestarts {
  return [...withinWindow(spent, rule, nowMs), nowMs];
}

/** The budget as it crosses the wire. A forced restart may lift `used` above `max_restarts`. */
export function budgetView(spent: SpentRestarts, rule: BudgetRule, nowMs: number): RestartBudget {
  const resetAt = resetAtMs(spent, rule, nowMs);
  return {
    window_seconds: Math.round(rule.windowMs / 1000),
    max_restarts: rule.maxRestarts,
    used: withinWindow(spent, rule, nowMs).length,
    remaining: remainingRestarts(spent, rule, nowMs),
    ...(resetAt !== undefined && { reset_at: new Date(resetAt).toISOString() }),
  };
}

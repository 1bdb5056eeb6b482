// Owns the arithmetic of a restart budget: a sliding window over the times of past restarts. No clock: `now` is given.

import type { RestartBudget } from '../../contract/runtime-record.ts';

export type BudgetRule = { maxRestarts: number; windowMs: number };

/** What a budget can be set to at most: no more restarts than these, and none older, can ever count. */
const RESTARTS_MAX = 1000;
const WINDOW_MAX_MS = 30 * 86_400_000;

/** Times of restarts in ms since the epoch, oldest first. */
export type SpentRestarts = readonly number[];

/** The restarts that still count: one leaves the window exactly `windowMs` after it happened. */
export function withinWindow(spent: SpentRestarts, rule: BudgetRule, nowMs: number): SpentRestarts {
  return spent.filter((at) => at + rule.windowMs > nowMs);
}

export function remainingRestarts(spent: SpentRestarts, rule: BudgetRule, nowMs: number): number {
  return Math.max(0, rule.maxRestarts - withinWindow(spent, rule, nowMs).length);
}

/**
 * When one restart more is free than now: when the oldest leaves the window, or where more are in it than may be (forced
 * ones), the first whose leaving makes room. Undefined while none is in it, and where none ever will be free.
 */
export function resetAtMs(spent: SpentRestarts, rule: BudgetRule, nowMs: number): number | undefined {
  const counting = withinWindow(spent, rule, nowMs);
  const makesRoom = counting[Math.max(0, counting.length - rule.maxRestarts)];
  return makesRoom === undefined ? undefined : makesRoom + rule.windowMs;
}

/** Notes one restart. Those outside the present window are kept as well: a command may widen it. */
export function spendRestart(spent: SpentRestarts, nowMs: number): SpentRestarts {
  return [...spent.filter((at) => at + WINDOW_MAX_MS > nowMs), nowMs].slice(-RESTARTS_MAX);
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

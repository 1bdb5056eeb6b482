// Owns what an operator adjusts: what a runtime is launched as, and its restart budget.

import type { Decision } from './decision.ts';
import { budgetView, type BudgetRule } from './restart-budget.ts';
import { budgetRule, type Operation } from './state.ts';
import { sameVariant, withWish, type Variant } from './variant.ts';
import { restart } from './wishes.ts';

/** One restart where the runtime is up; where it is down the next start takes the variant. */
export function switchVariant(d: Decision, wish: { operation: Operation; variant: Variant }): void {
  const { operation, variant } = wish;
  if (sameVariant(withWish(d.state.variant, variant), d.state.variant)) {
    return d.settle(operation, { ok: true, result: { already: true } });
  }
  if (d.state.wanted === 'up') return restart(d, wish);
  d.takeVariant(wish);
  return d.settle(operation, { ok: true, result: { state: 'offline' } });
}

/** What was spent still counts; a runtime that is down for want of budget stays down until it is restored. */
export function setBudget(d: Decision, operation: Operation, rule: Partial<BudgetRule>): void {
  const before = budgetRule(d.state, d.policy);
  const { maxRestarts = before.maxRestarts, windowMs = before.windowMs } = rule;
  d.state.budget = { maxRestarts, windowMs };
  const view = budgetView(d.state.spent, d.state.budget, d.nowMs);
  d.settle(operation, { ok: true, result: { restart_budget: view } });
}

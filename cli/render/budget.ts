// Owns how a restart budget is said in a terminal.

import type { RestartBudget } from '../../contract/runtime-record.ts';
import { toSeconds } from './time.ts';

/** `2 of 3 restarts left` */
export function headroomWords(budget: RestartBudget): string {
  if (budget.max_restarts === 0) return 'automatic restarts off (budget 0)';
  return `${budget.remaining} of ${budget.max_restarts} restarts left`;
}

/** `2 of 3 restarts left`, with the reset where the window holds any. */
export function budgetWords(budget: RestartBudget): string {
  const left = headroomWords(budget);
  return budget.reset_at === undefined ? left : `${left}, resets at ${toSeconds(budget.reset_at)}`;
}

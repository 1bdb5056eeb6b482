// The arithmetic of the sliding window of restarts.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { RestartBudgetSchema } from '../../contract/runtime-record.ts';
import {
  budgetView,
  remainingRestarts,
  resetAtMs,
  spendRestart,
  withinWindow,
  type SpentRestarts,
} from '../../reporter/supervisor/restart-budget.ts';
import { holds } from '../support/property.ts';

const RULE = { maxRestarts: 3, windowMs: 600_000 };
const T0 = Date.parse('2026-11-22T12:00:00.000Z');

/** Wished restarts, each so long after the one before: granted only while something remains. */
function grantAll(gaps: readonly number[], budget: typeof RULE): { spent: SpentRestarts; granted: number[] } {
  let nowMs = T0;
  let spent: SpentRestarts = [];
  const granted: number[] = [];
  for (const gap of gaps) {
    nowMs += gap;
    if (remainingRestarts(spent, budget, nowMs) > 0) {
      spent = spendRestart(spent, nowMs);
      granted.push(nowMs);
    }
  }
  return { spent, granted };
}

test('nothing spent: all is left and nothing resets', () => {
  expect(remainingRestarts([], RULE, T0)).toBe(3);
  expect(resetAtMs([], RULE, T0)).toBeUndefined();
  expect(budgetView([], RULE, T0)).toEqual({ window_seconds: 600, max_restarts: 3, used: 0, remaining: 3 });
});

test('each restart takes one, and the budget says when the oldest comes back', () => {
  const spent = spendRestart(spendRestart([], T0), T0 + 60_000);
  expect(budgetView(spent, RULE, T0 + 120_000)).toEqual({
    window_seconds: 600,
    max_restarts: 3,
    used: 2,
    remaining: 1,
    reset_at: '2026-11-22T12:10:00.000Z',
  });
});

test('frees exactly when the oldest entry leaves the window', () => {
  const spent = [T0, T0 + 1_000, T0 + 2_000];
  expect(remainingRestarts(spent, RULE, T0 + 599_999)).toBe(0);
  expect(remainingRestarts(spent, RULE, T0 + 600_000)).toBe(1);
  expect(resetAtMs(spent, RULE, T0 + 599_999)).toBe(T0 + 600_000);
  expect(resetAtMs(spent, RULE, T0 + 600_000)).toBe(T0 + 601_000);
  expect(remainingRestarts(spent, RULE, T0 + 602_000)).toBe(3);
});

test('a forced restart may lift what is used above the limit, never what remains below 0', () => {
  const spent = [T0, T0 + 1_000, T0 + 2_000, T0 + 3_000];
  const view = budgetView(spent, RULE, T0 + 4_000);
  expect(view).toMatchObject({ used: 4, remaining: 0 });
  // The first that leaves makes no room yet.
  expect(remainingRestarts(spent, RULE, T0 + 600_000)).toBe(0);
  expect(view.reset_at).toBe(new Date(T0 + 601_000).toISOString());
  expect(remainingRestarts(spent, RULE, T0 + 601_000)).toBe(1);
});

test('a budget of nothing never frees', () => {
  expect(budgetView([T0], { ...RULE, maxRestarts: 0 }, T0 + 1)).not.toHaveProperty('reset_at');
});

test('what left the window counts again where the window is widened, a month at most', () => {
  const spent = spendRestart([T0, T0 + 1], T0 + 600_000);
  expect(spent).toEqual([T0, T0 + 1, T0 + 600_000]);
  expect(remainingRestarts(spent, RULE, T0 + 600_001)).toBe(2);
  expect(remainingRestarts(spent, { ...RULE, windowMs: 3_600_000 }, T0 + 600_001)).toBe(0);
  expect(spendRestart([T0, T0 + 1], T0 + 30 * 86_400_000)).toEqual([T0 + 1, T0 + 30 * 86_400_000]);
});

describe('properties', () => {
  const rule = fc.record({ maxRestarts: fc.nat(10), windowMs: fc.integer({ min: 1_000, max: 1_000_000 }) });
  const wishes = fc.array(fc.nat(500_000), { maxLength: 40 });

  test('no window of any position holds more restarts than the budget', () => {
    holds(
      fc.property(wishes, rule, (gaps, budget) => {
        const { granted } = grantAll(gaps, budget);
        for (const end of granted) {
          const inWindow = granted.filter((at) => at <= end && at > end - budget.windowMs);
          expect(inWindow.length).toBeLessThanOrEqual(budget.maxRestarts);
        }
      }),
    );
  });

  test('used and remaining add up, the view passes its schema, and a wish at the reset is granted', () => {
    holds(
      fc.property(wishes, rule, fc.nat(2_000_000), (gaps, budget, laterMs) => {
        const { spent } = grantAll(gaps, budget);
        const nowMs = (spent.at(-1) ?? T0) + laterMs;
        const view = budgetView(spent, budget, nowMs);
        expect(v.is(RestartBudgetSchema, view)).toBe(true);
        expect(view.used + view.remaining).toBe(budget.maxRestarts);
        expect(view.used).toBe(withinWindow(spent, budget, nowMs).length);
        const resetAt = resetAtMs(spent, budget, nowMs) ?? nowMs;
        expect(remainingRestarts(spent, budget, resetAt) > 0).toBe(budget.maxRestarts > 0);
      }),
    );
  });
});

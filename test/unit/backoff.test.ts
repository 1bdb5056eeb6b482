// The wait before another try.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fullJitterMs } from '../../reporter/backoff.ts';
import { holds } from '../support/property.ts';

const RULE = { baseMs: 500, capMs: 30_000 };

test('doubles with each try until the cap', () => {
  const longest = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempt) => fullJitterMs(RULE, attempt, 1));
  expect(longest).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

test('the jitter takes all of it: from no wait at all to the whole', () => {
  expect(fullJitterMs(RULE, 3, 0)).toBe(0);
  expect(fullJitterMs(RULE, 3, 0.25)).toBe(500);
});

test('property: whole milliseconds between 0 and the cap, for any attempt', () => {
  const rule = fc.record({ baseMs: fc.nat(10_000), capMs: fc.nat(100_000) });
  const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  holds(
    fc.property(rule, fc.integer({ min: -5, max: 1_000_000 }), jitter, (anyRule, attempt, drawn) => {
      const delayMs = fullJitterMs(anyRule, attempt, drawn);
      expect(Number.isInteger(delayMs)).toBe(true);
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(anyRule.capMs);
    }),
  );
});

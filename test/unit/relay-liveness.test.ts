// When a node that carries requests counts as gone: within 2 s of its last word, never while it speaks, and never because
// this side was held up.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeLife, RELAY_LOOK_MS } from '../../worker/domain/relay-liveness.ts';
import { holds } from '../support/property.ts';

/** Looks as the hub does. @returns when it was given up, and how often it was asked. */
function watch(
  words: readonly number[],
  untilMs: number,
  lateBy = 0,
): { silentAt: number | undefined; probes: number } {
  const life = { heardAt: 0, lookedAt: 0 };
  let probes = 0;
  for (let now = RELAY_LOOK_MS + lateBy; now <= untilMs; now += RELAY_LOOK_MS) {
    const heard = words.findLast((at) => at <= now) ?? 0;
    life.heardAt = Math.max(life.heardAt, heard);
    const decision = judgeLife(life, now);
    life.lookedAt = now;
    if (decision.kind === 'silent') return { silentAt: now, probes };
    if (decision.kind === 'unknown') life.heardAt = now;
    if (decision.kind === 'probe') probes += 1;
  }
  return { silentAt: undefined, probes };
}

test('silence is told within 2 s of the last word, after it was asked more than once', () => {
  const { silentAt, probes } = watch([], 10_000);
  expect(silentAt).toBeLessThan(2000);
  expect(probes).toBeGreaterThan(2);
});

test('whoever answers within a second is never given up, whatever the moments', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 30 });
  holds(
    fc.property(gaps, (pauses) => {
      const words = pauses.map((_, index) => pauses.slice(0, index + 1).reduce((sum, gap) => sum + gap, 0));
      expect(watch(words, words.at(-1) ?? 0).silentAt).toBeUndefined();
    }),
  );
});

test('a look that comes late blames nobody, and the time counts anew', () => {
  const { silentAt = 0 } = watch([], 20_000, 5000);
  expect(silentAt).toBeGreaterThan(5000 + 1500);
  expect(silentAt).toBeLessThan(5000 + 2500);
});

test('a clock that was set back blames nobody', () => {
  expect(judgeLife({ heardAt: 5000, lookedAt: 5000 }, 4000).kind).toBe('unknown');
});

// The hub's clock on the page: what people do to the clock of their machine does not change it, and is noticed.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const NOW = Date.parse('2026-11-22T12:35:00.000Z');
const HOUR_MS = 3_600_000;

let clock: typeof import('../../dashboard/model/clock.ts');
const asked = vi.fn<() => void>();

beforeEach(async () => {
  vi.useFakeTimers({ now: NOW });
  vi.resetModules();
  asked.mockReset();
  clock = await import('../../dashboard/model/clock.ts');
  clock.onDoubt(asked);
});
afterEach(() => {
  vi.useRealTimers();
});

test('it is what the hub said, half a round trip ago, and goes on from there', () => {
  const nowMs = performance.now();
  clock.setHubTime(NOW + HOUR_MS, nowMs - 200, nowMs);
  expect(clock.hubTime()).toBe(NOW + HOUR_MS + 100);
  vi.advanceTimersByTime(5000);
  expect(clock.hubTime()).toBe(NOW + HOUR_MS + 5100);
  expect(clock.hubNow.value).toBe(NOW + HOUR_MS + 5100);
  expect(asked).not.toHaveBeenCalled();
});

test.each([HOUR_MS, -HOUR_MS])('a clock set by %d ms changes nothing, and the hub is asked', (byMs) => {
  vi.setSystemTime(Date.now() + byMs);
  expect(clock.hubTime()).toBe(NOW);
  vi.advanceTimersByTime(1000);
  expect(clock.hubTime()).toBe(NOW + 1000);
  expect(asked).toHaveBeenCalledOnce();
});

test('the hub is asked until it has told the time after the jump', () => {
  const beforeMs = performance.now();
  vi.advanceTimersByTime(1000);
  vi.setSystemTime(Date.now() + HOUR_MS);
  vi.advanceTimersByTime(500);
  // Asked before the jump: how old this answer is, nobody knows.
  clock.setHubTime(NOW, beforeMs, performance.now());
  vi.advanceTimersByTime(5000);
  expect(asked).toHaveBeenCalledTimes(2);

  const nowMs = performance.now();
  clock.setHubTime(NOW + HOUR_MS, nowMs, nowMs);
  vi.advanceTimersByTime(60_000);
  expect(asked).toHaveBeenCalledTimes(2);
  expect(clock.hubTime()).toBe(NOW + HOUR_MS + 60_000);
});

test('a clock that is corrected by less than a second is left alone', () => {
  vi.setSystemTime(Date.now() + 900);
  vi.advanceTimersByTime(10_000);
  expect(asked).not.toHaveBeenCalled();
});

// A stream that nobody ended and that says nothing any more.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Silence } from '../../dashboard/connection/silence.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('is dead once it was silent for too long, counted from what was heard last', () => {
  const silence = new Silence(45_000);
  vi.advanceTimersByTime(44_999);
  silence.heard();
  vi.advanceTimersByTime(44_999);
  expect(silence.signal.aborted).toBe(false);
  vi.advanceTimersByTime(1);
  expect(silence.signal.aborted).toBe(true);
});

test('is not dead when it is over, and leaves no timer', () => {
  const silence = new Silence(45_000);
  silence.end();
  expect(vi.getTimerCount()).toBe(0);
  expect(silence.signal.aborted).toBe(false);
});

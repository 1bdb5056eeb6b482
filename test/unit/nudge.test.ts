// Waiting for a time, a nudge or an end, with a clock that the test moves.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Nudge } from '../../reporter/nudge.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Starts a wait and tells whether it has ended; nothing is left behind when it has. */
function waiting(nudge: Nudge, delayMs: number, ended: AbortSignal): { isOver: () => Promise<boolean> } {
  let over = false;
  void nudge.wait(delayMs, ended).then(() => {
    over = true;
  });
  return {
    isOver: async () => {
      await vi.advanceTimersByTimeAsync(0);
      return over;
    },
  };
}

const { signal: never } = new AbortController();

test('ends when the time is over, not sooner', async () => {
  const wait = waiting(new Nudge(), 1_000, never);
  await vi.advanceTimersByTimeAsync(999);
  expect(await wait.isOver()).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(await wait.isOver()).toBe(true);
});

test('ends at a nudge, and leaves no timer', async () => {
  const nudge = new Nudge();
  const wait = waiting(nudge, 1_000, never);
  nudge.give();
  expect(await wait.isOver()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('a nudge in advance ends the next wait at once, and only that one', async () => {
  const nudge = new Nudge();
  nudge.give();
  nudge.give();
  expect(await waiting(nudge, 1_000, never).isOver()).toBe(true);
  const next = waiting(nudge, 1_000, never);
  expect(await next.isOver()).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await next.isOver()).toBe(true);
});

test('a nudge that ended a wait does not end the next', async () => {
  const nudge = new Nudge();
  const wait = waiting(nudge, 1_000, never);
  nudge.give();
  expect(await wait.isOver()).toBe(true);
  expect(await waiting(nudge, 1_000, never).isOver()).toBe(false);
});

test('ends when what is waited for has ended, and leaves no timer', async () => {
  const ended = new AbortController();
  const wait = waiting(new Nudge(), 1_000, ended.signal);
  ended.abort();
  expect(await wait.isOver()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

test('does not begin where it has ended already', async () => {
  expect(await waiting(new Nudge(), 1_000, AbortSignal.abort()).isOver()).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

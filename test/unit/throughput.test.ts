// Pace from counters: differences over a window, and what a reset of the counters means.

import { expect, test } from 'vitest';
import { Throughput, type TokenCounters } from '../../reporter/backends/throughput.ts';

function counters(
  predictedTokens: number,
  predictedSeconds: number,
  prompt: readonly [number, number] = [0, 0],
): TokenCounters {
  const [promptTokens, promptSeconds] = prompt;
  return { promptTokens, promptSeconds, predictedTokens, predictedSeconds };
}

test('one reading is no pace: what it counts may be hours old', () => {
  const pace = new Throughput();
  expect(pace.pace()).toEqual({});
  pace.note(counters(1_000, 10), 0);
  expect(pace.pace()).toEqual({});
});

test('two readings are tokens by seconds of work, not by seconds of the clock', () => {
  const pace = new Throughput();
  pace.note(counters(1_000, 10, [500, 1]), 0);
  pace.note(counters(1_100, 12, [900, 1.5]), 30_000);
  expect(pace.pace()).toEqual({ predictedTokensPerSecond: 50, promptTokensPerSecond: 800 });
});

test('nothing new is no pace, not a pace of 0', () => {
  const pace = new Throughput();
  pace.note(counters(1_000, 10), 0);
  pace.note(counters(1_000, 10), 5_000);
  expect(pace.pace()).toEqual({});
});

test('a chat is told for a minute after it ended, then forgotten', () => {
  const pace = new Throughput();
  pace.note(counters(0, 0), 0);
  for (let atMs = 5_000; atMs <= 60_000; atMs += 5_000) pace.note(counters(100, 2), atMs);
  expect(pace.pace()).toEqual({ predictedTokensPerSecond: 50 });
  pace.note(counters(100, 2), 65_000);
  expect(pace.pace()).toEqual({});
});

test('counters that went back are of another process: what was noted before is void', () => {
  const pace = new Throughput();
  pace.note(counters(1_000, 10), 0);
  pace.note(counters(5, 1), 5_000);
  expect(pace.pace()).toEqual({});
  pace.note(counters(25, 2), 10_000);
  expect(pace.pace()).toEqual({ predictedTokensPerSecond: 20 });
});

test('a reset forgets', () => {
  const pace = new Throughput();
  pace.note(counters(0, 0), 0);
  pace.note(counters(100, 1), 1_000);
  pace.reset();
  expect(pace.pace()).toEqual({});
  pace.note(counters(200, 2), 2_000);
  expect(pace.pace()).toEqual({});
});

test('tokens in no time at all are no pace', () => {
  const pace = new Throughput();
  pace.note(counters(0, 1), 0);
  pace.note(counters(10, 1), 1_000);
  expect(pace.pace()).toEqual({});
});

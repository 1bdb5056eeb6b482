// In which state the page is with its hub, and how that is said.

import { expect, test } from 'vitest';
import {
  backoffMs,
  connectionState,
  connectionWords,
  pollSeconds,
  type ConnectionFacts,
} from '../../dashboard/view-model/connection-state.ts';

const clock = (atMs: number): string => `at ${atMs}`;

const NOTHING: ConnectionFacts = {
  isSignedOut: false,
  isStreaming: false,
  isLoaded: false,
  answeredAtMs: undefined,
  failingSinceMs: undefined,
  pollEverySeconds: 10,
};

test.each([
  ['nothing came yet', {}, { kind: 'connecting' }],
  ['the stream is open, the fleet is not read', { isStreaming: true }, { kind: 'connecting' }],
  ['both', { isStreaming: true, isLoaded: true, answeredAtMs: 5 }, { kind: 'live' }],
  ['read, without a stream', { isLoaded: true, answeredAtMs: 5 }, { kind: 'polling', everySeconds: 10 }],
  ['no answer at all', { failingSinceMs: 7 }, { kind: 'offline', sinceMs: 7 }],
  [
    'no answer any more',
    { isLoaded: true, answeredAtMs: 5, failingSinceMs: 7 },
    { kind: 'offline', sinceMs: 5 },
  ],
  ['no session', { isSignedOut: true, isStreaming: true, isLoaded: true }, { kind: 'signed-out' }],
])('%s', (_, facts, state) => {
  expect(connectionState({ ...NOTHING, ...facts })).toEqual(state);
});

test('each state is a word and a sentence', () => {
  expect(connectionWords({ kind: 'live' }, clock).word).toBe('Live');
  expect(connectionWords({ kind: 'polling', everySeconds: 10 }, clock).sentence).toContain('every 10 s');
  expect(connectionWords({ kind: 'offline', sinceMs: 5 }, clock).word).toBe('Offline since at 5');
});

test('it is asked often enough for the TTL, and not more often than helps', () => {
  expect([10, 60, 900].map(pollSeconds)).toEqual([2, 10, 15]);
});

test('attempts are spread, further apart each time, and never further than 15 s', () => {
  expect(backoffMs(1, 0.5)).toBe(500);
  expect(backoffMs(3, 1)).toBe(4000);
  expect(backoffMs(50, 1)).toBe(15_000);
  expect(backoffMs(50, 0)).toBe(0);
});

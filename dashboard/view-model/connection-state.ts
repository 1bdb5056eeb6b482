// Owns in which state the page is with its hub, and how that is said.

export type ConnectionState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** Asked now and then: the hub answers, but no stream of events can be opened. */
  | { kind: 'polling'; everySeconds: number }
  /** Nothing is heard of the hub. */
  | { kind: 'offline'; sinceMs: number }
  | { kind: 'signed-out' };

export type ConnectionFacts = {
  isSignedOut: boolean;
  isStreaming: boolean;
  isLoaded: boolean;
  /** When the hub last answered or told something; undefined while nothing was asked to its end. */
  answeredAtMs: number | undefined;
  /** Since when it does not answer; undefined while it does. */
  failingSinceMs: number | undefined;
  pollEverySeconds: number;
};

const POLL_SHARE = 6;
const POLL_MIN_SECONDS = 2;
const POLL_MAX_SECONDS = 15;
const BACKOFF_BASE_MS = 500;
const BACKOFF_MAX_MS = 15_000;

export function connectionState(facts: ConnectionFacts): ConnectionState {
  if (facts.isSignedOut) return { kind: 'signed-out' };
  if (facts.isStreaming && facts.isLoaded) return { kind: 'live' };
  if (facts.failingSinceMs !== undefined) {
    return { kind: 'offline', sinceMs: facts.answeredAtMs ?? facts.failingSinceMs };
  }
  if (facts.isLoaded && facts.answeredAtMs !== undefined) {
    return { kind: 'polling', everySeconds: facts.pollEverySeconds };
  }
  return { kind: 'connecting' };
}

/** Often enough that no node expires unseen between two looks. */
export function pollSeconds(ttlSeconds: number): number {
  return Math.min(POLL_MAX_SECONDS, Math.max(POLL_MIN_SECONDS, Math.round(ttlSeconds / POLL_SHARE)));
}

/** Full jitter, so that pages that lost one hub do not come back at one moment. @param chance 0-1 */
export function backoffMs(attempt: number, chance: number): number {
  return Math.round(chance * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** Math.min(attempt, 10)));
}

/** One word, and a sentence that says what it means. @param clock how a time is written */
export function connectionWords(
  state: ConnectionState,
  clock: (atMs: number) => string,
): { word: string; sentence: string } {
  switch (state.kind) {
    case 'connecting':
      return { word: 'Connecting', sentence: 'The fleet is being read.' };
    case 'live':
      return { word: 'Live', sentence: 'Every change is shown as it happens.' };
    case 'polling':
      return {
        word: 'Polling',
        sentence: `The stream of events cannot be opened, so the hub is asked every ${state.everySeconds} s.`,
      };
    case 'offline':
      return {
        word: `Offline since ${clock(state.sinceMs)}`,
        sentence:
          'The hub does not answer. What is shown is the last that was heard; the page goes on trying.',
      };
    case 'signed-out':
      return { word: 'Signed out', sentence: 'Sign in to see the fleet.' };
    default:
      return state satisfies never;
  }
}

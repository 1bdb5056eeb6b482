// Owns when an idle model is asked for one token, and what an answer or its absence means. Nothing here asks or waits:
// the asking is in llama-idle-prober.ts.

import type { IdleProbeNews } from '../supervisor/idle-doubt.ts';

/** What one look tells of a model. `counters` stand for all work done so far, and are left out where unknown. */
export type Idleness =
  | { kind: 'idle'; counters?: string }
  | { kind: 'busy'; slots: number; mark: string }
  | { kind: 'unknown' }
  /** It sleeps, or is not loaded: to ask would wake or load it. */
  | { kind: 'away' };

/** How asking for a token ended. `unable`: this server does not serve the request, now or later. */
export type TokenAnswer =
  | { kind: 'token' }
  | { kind: 'none'; reason: string }
  | { kind: 'inconclusive' }
  | { kind: 'unable'; reason: string };

export type IdleProbeState = {
  /** Since when nothing was at work and no counter moved. */
  quietSinceMs?: number;
  counters?: string;
  /** A question that is open. `disturbed`: others were at work meanwhile, or something moved. */
  open?: { mark?: string; disturbed: boolean; read: boolean };
  /** Questions in a row without an answer. */
  failures: number;
  /** Nothing could be read since the question that failed was asked, so it is the server that is silent. */
  silent: boolean;
  /** Why asking is of no use until the next launch. */
  unable?: string;
};

/** A doubt is settled by a second question at once; later ones keep the distance of all others. */
const ASKED_AGAIN_AT_ONCE = 1;

export function freshIdleProbe(): IdleProbeState {
  return { failures: 0, silent: false };
}

/** Notes one look. `ask` says that the model is to be asked for a token now, and notes that it is. */
export function afterLook(
  before: IdleProbeState,
  seen: Idleness,
  nowMs: number,
  everyMs: number,
): { state: IdleProbeState; ask: boolean } {
  if (before.open !== undefined) {
    return { state: { ...before, open: duringQuestion(before.open, seen) }, ask: false };
  }
  const state = quietAfter(before, seen, nowMs);
  const quietMs = state.quietSinceMs === undefined ? 0 : nowMs - state.quietSinceMs;
  const settles = state.failures === ASKED_AGAIN_AT_ONCE && (seen.kind === 'idle' || state.silent);
  const ask = state.unable === undefined && (settles || (seen.kind === 'idle' && quietMs >= everyMs));
  return { state: ask ? { ...state, open: { disturbed: false, read: false } } : state, ask };
}

/** Notes how the open question ended, and what the supervisor is told of it. */
export function afterAnswer(
  { open, ...before }: IdleProbeState,
  answer: TokenAnswer,
  nowMs: number,
): { state: IdleProbeState; news?: IdleProbeNews } {
  // The question itself moved the counters: what they are now begins the next quiet.
  const { counters: _, ...rest } = before;
  const settled: IdleProbeState = { ...rest, quietSinceMs: nowMs, failures: 0, silent: false };
  switch (answer.kind) {
    case 'token':
      return { state: settled, news: { kind: 'settled' } };
    case 'inconclusive':
      return { state: settled };
    case 'unable':
      return { state: { ...settled, unable: answer.reason } };
    case 'none':
      // Whoever serves others, however slowly, works: this question only had to wait.
      if (open?.disturbed === true) return { state: settled, news: { kind: 'settled' } };
      return {
        state: { ...settled, failures: before.failures + 1, silent: open?.read !== true },
        news: { kind: 'unanswered', reason: answer.reason },
      };
    default:
      return answer satisfies never;
  }
}

function duringQuestion(
  open: NonNullable<IdleProbeState['open']>,
  seen: Idleness,
): NonNullable<IdleProbeState['open']> {
  if (seen.kind === 'unknown') return open;
  const read = { ...open, read: true };
  if (seen.kind !== 'busy') return read;
  // One slot is the question's own; it moves only where the server works.
  const moved = open.mark !== undefined && open.mark !== seen.mark;
  return { ...read, mark: seen.mark, disturbed: open.disturbed || moved || seen.slots > 1 };
}

function quietAfter(before: IdleProbeState, seen: Idleness, nowMs: number): IdleProbeState {
  const { quietSinceMs, counters, ...rest } = before;
  if (seen.kind === 'unknown') return rest;
  if (seen.kind === 'away') return { ...rest, silent: false, failures: 0 };
  const known = { ...rest, silent: false };
  if (seen.kind !== 'idle') return known;
  const moved = counters !== undefined && seen.counters !== undefined && counters !== seen.counters;
  return {
    ...known,
    quietSinceMs: moved ? nowMs : (quietSinceMs ?? nowMs),
    ...(seen.counters !== undefined && { counters: seen.counters }),
  };
}

// Owns the rhythm in which a child is looked at: often while it loads and at once when its log grows, then steadily.

import type { FSWatcher } from 'node:fs';
import { Nudge } from '../nudge.ts';
import type { Observation, RuntimeState } from './state.ts';

/** A start is watched closely, so that `ready` is told at once. */
const LOADING_PROBE_MS = 100;
/** Twice a report, so that a report's figures are fresh without tying the two rhythms together. */
const SERVING_PROBE_MS = 2_500;
/** A doubt is settled quickly. */
const DOUBTFUL_PROBE_MS = 1_000;
/** Somebody waits for the slots to empty. */
const DRAINING_PROBE_MS = 500;

export type WatchOptions = {
  observe: (gone: AbortSignal) => Promise<Observation>;
  /** Takes what was seen, and answers with the state of the runtime then. */
  onObserved: (observation: Observation) => RuntimeState;
  /** Calls back when the child's log grows; undefined where that cannot be watched. */
  onGrowth: (callback: () => void) => FSWatcher | undefined;
  /** Given when somebody waits for what the next look sees. */
  nudge: Nudge;
  /** Aborts when the child is gone. */
  gone: AbortSignal;
};

/** Looks at a child until it is gone. */
export async function watchChild({
  observe,
  onObserved,
  onGrowth,
  nudge,
  gone,
}: WatchOptions): Promise<void> {
  const growth = onGrowth(() => nudge.give());
  try {
    while (!gone.aborted) {
      const observation = await observe(gone);
      if (gone.aborted) return;
      const state = onObserved(observation);
      // A served runtime writes a line a request: no hint any more.
      if (state.phase.kind !== 'loading') growth?.close();
      await nudge.wait(delayMs(state), gone);
    }
  } finally {
    growth?.close();
  }
}

function delayMs({ phase, drain }: RuntimeState): number {
  if (phase.kind === 'loading') return LOADING_PROBE_MS;
  if (drain?.emptyLooks !== undefined) return DRAINING_PROBE_MS;
  return phase.kind === 'serving' && phase.failures > 0 ? DOUBTFUL_PROBE_MS : SERVING_PROBE_MS;
}

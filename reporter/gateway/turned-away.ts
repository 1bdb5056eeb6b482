// Owns the words for a request that names something that cannot be served now. Pure.

import type { Refusal } from './refusal.ts';
import { isUp, type Routable } from './routable.ts';

/** A model is loaded within seconds or minutes, and nobody knows which; asking costs next to nothing. */
const RETRY_AFTER_SECONDS = 5;

export function unknownModel(name: string, closest: readonly string[]): Refusal {
  const offered = closest.length > 0 ? `closest are ${closest.join(', ')}` : 'no model is known here yet';
  return {
    reason: 'unknown-model',
    detail: `No runtime of this node serves ${JSON.stringify(name.slice(0, 120))}; ${offered}`,
    extensions: { closest },
  };
}

/** In the runtime's own words. Only what will pass by itself is worth asking for again. */
export function notReady(runtimes: readonly Routable[]): Refusal {
  const detail =
    runtimes
      .map(
        ({ id, state, accepting, summary }) =>
          `${id}: ${isUp(state) && !accepting ? `${summary}, but takes no new work` : summary}`,
      )
      .join('; ') || 'This node has no runtime; add one to its manifest';
  const passes = runtimes.some(({ state, accepting }) => state === 'starting' || (isUp(state) && !accepting));
  return {
    reason: 'runtime-not-ready',
    detail,
    ...(passes && { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } }),
  };
}

// Owns when a node that carries relayed requests counts as gone although its socket is open: a host that lost its power
// sends no close. It is asked for a sign of life while something is under way, and only then.

/** How often it is looked, in milliseconds. */
export const RELAY_LOOK_MS = 250;

/** After so long without a word it is asked. */
const PROBE_AFTER_MS = 400;

/** After so long it is given up: with a look in between that is within 2 s. */
const SILENT_AFTER_MS = 1600;

/** A look that comes so late was held up on this side, where what the node said may wait unread. */
const HELD_UP_MS = 2 * RELAY_LOOK_MS;

export type LinkLife = { heardAt: number; lookedAt: number };

export type LifeDecision =
  | { kind: 'fresh' }
  /** Nothing was heard for a while: ask. */
  | { kind: 'probe' }
  | { kind: 'silent' }
  /** This side was held up: nobody is blamed, and the time counts anew. */
  | { kind: 'unknown' };

export function judgeLife({ heardAt, lookedAt }: LinkLife, now: number): LifeDecision {
  const silenceMs = now - heardAt;
  if (now - lookedAt > HELD_UP_MS || silenceMs < 0) return { kind: 'unknown' };
  if (silenceMs >= SILENT_AFTER_MS) return { kind: 'silent' };
  return silenceMs >= PROBE_AFTER_MS ? { kind: 'probe' } : { kind: 'fresh' };
}

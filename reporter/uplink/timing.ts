// Owns how long the uplink waits for what.

import type { BackoffRule } from '../backoff.ts';

export type UplinkTiming = {
  /** A handshake or a welcome that takes longer is not coming. */
  welcomeWithinMs: number;
  pingEveryMs: number;
  pongWithinMs: number;
  reconnect: BackoffRule;
  /** While reporting by POST, a WebSocket is tried again this often. */
  socketRetryMs: number;
  /** At the end, this long for the last snapshot: a hub that is away must not hold the end up. */
  lastWordsWithinMs: number;
};

export const UPLINK_TIMING: UplinkTiming = {
  welcomeWithinMs: 10_000,
  // Shorter than the idle limits of common proxies (60 s).
  pingEveryMs: 20_000,
  pongWithinMs: 10_000,
  reconnect: { baseMs: 500, capMs: 30_000 },
  socketRetryMs: 60_000,
  // What is left of the 10 s in which a reporter must have ended, after the gateway's last answers and its children.
  lastWordsWithinMs: 1_500,
};

/** A hub that asks for less would be flooded, and a timer takes no more than 2^31 ms. */
const INTERVAL_BOUNDS_MS = { min: 10, max: 3_600_000 };

/** The cadence that a hub asks for, within what makes sense. */
export function boundedIntervalMs(intervalMs: number): number {
  return Math.min(INTERVAL_BOUNDS_MS.max, Math.max(INTERVAL_BOUNDS_MS.min, intervalMs));
}

// Owns how often a node reports while nothing changes, and how long its word then counts: the same for a small fleet,
// more slowly in a large one, so that no shard is asked for more than it can do.

import { isoTime } from './freshness.ts';

/** Twelve reports fit into the default TTL: one lost report, or ten, make no node stale. */
const DEFAULT_INTERVAL_MS = 5000;

/** The share of a TTL that may pass between two reports, so that a short TTL still survives two lost ones. */
const REPORTS_WITHIN_TTL = 3;

/**
 * What the reports of a shard's nodes may add up to. The platform gives an object about 1,000 requests a second, and
 * half of them are for those who read and act; a snapshot over a socket is a fifth of the work of one by POST.
 */
export const POSTS_PER_SECOND = 500;
export const SOCKET_REPORTS_PER_SECOND = 2500;

/** Nodes that were welcomed in one second do not report in one second for ever. */
const JITTER = 0.1;

/** Telling a node anew costs a frame and an early report, so only what differs by more than this is worth it. */
const TOLD_TOLERANCE = 0.25;

/** The longest TTL that an operator may set is the longest that a fleet may come to. */
const MAX_TTL_SECONDS = 900;

export function intervalMs(ttlSeconds: number): number {
  return Math.min(DEFAULT_INTERVAL_MS, Math.floor((ttlSeconds * 1000) / REPORTS_WITHIN_TTL));
}

/** How many nodes of a shard report in which way. */
export type Reporting = { sockets: number; posts: number };

/** What a node is told: how often it reports, and for how long its word counts. */
export type Pace = { intervalMs: number; ttlSeconds: number };

/** The pace of the nodes of a shard, before chance spreads it. `ttlSeconds` is what the operator has set. */
export function paceOf({ sockets, posts }: Reporting, ttlSeconds: number): Pace {
  const roundMs = Math.ceil(1000 * (sockets / SOCKET_REPORTS_PER_SECOND + posts / POSTS_PER_SECOND));
  const interval = Math.min(
    Math.max(intervalMs(ttlSeconds), roundMs),
    (MAX_TTL_SECONDS * 1000) / REPORTS_WITHIN_TTL / (1 + JITTER),
  );
  const needed = Math.ceil((interval * (1 + JITTER) * REPORTS_WITHIN_TTL) / 1000);
  // As the operator has set it, for as long as the usual pace will do.
  const ttl = interval > intervalMs(ttlSeconds) ? Math.max(ttlSeconds, needed) : ttlSeconds;
  return { intervalMs: Math.floor(interval), ttlSeconds: ttl };
}

/** What one node is told of the pace; `chance` is from 0 to 1. It is spread on both sides, so that the sum stays. */
export function jittered(pace: Pace, chance: number): Pace {
  return { ...pace, intervalMs: Math.round(pace.intervalMs * (1 - JITTER + 2 * JITTER * chance)) };
}

/** Whether a node that was told one pace must be told another. */
export function isOutpaced(told: Pace, wanted: Pace): boolean {
  return Math.abs(told.intervalMs - wanted.intervalMs) > wanted.intervalMs * TOLD_TOLERANCE;
}

/** The pace as `welcome` and the answer to a POST say it. */
export function timingOf(
  { ttlSeconds, intervalMs: interval }: Pace,
  now: number,
): { ttl_seconds: number; interval_ms: number; server_time: string } {
  return { ttl_seconds: ttlSeconds, interval_ms: interval, server_time: isoTime(now) };
}

// Owns how often a node reports while nothing changes.

/** Twelve reports fit into the default TTL: one lost report, or ten, make no node stale. */
const DEFAULT_INTERVAL_MS = 5000;

/** The share of a TTL that may pass between two reports, so that a short TTL still survives two lost ones. */
const REPORTS_WITHIN_TTL = 3;

export function intervalMs(ttlSeconds: number): number {
  return Math.min(DEFAULT_INTERVAL_MS, Math.floor((ttlSeconds * 1000) / REPORTS_WITHIN_TTL));
}

// Owns how old a node's last word may be, by the hub's clock alone, and what is said of a node past that age.

import type { Freshness, Uplink } from '../../contract/read-models.ts';
import type { NodeStatus } from '../../contract/snapshot.ts';
import { offlineStatus } from '../../contract/status.ts';
import { durationWords, nextWordsMs } from './duration.ts';

/** When a node spoke, in milliseconds of the hub's clock, and for how long it was told that its word counts. */
export type Word = { receivedAt: number; ttlSeconds?: number | undefined };

/** When a node was heard and over what. */
export type Heard = Word & { uplink: Uplink };

/** `ttlSeconds` holds for a node that was told nothing else. */
export function expiresAt(heard: Word, ttlSeconds: number): number {
  return heard.receivedAt + (heard.ttlSeconds ?? ttlSeconds) * 1000;
}

export function isStale(heard: Word, ttlSeconds: number, now: number): boolean {
  return now >= expiresAt(heard, ttlSeconds);
}

export function freshnessOf(heard: Heard, ttlSeconds: number, now: number): Freshness {
  return {
    received_at: isoTime(heard.receivedAt),
    expires_at: isoTime(expiresAt(heard, ttlSeconds)),
    age_seconds: ageSeconds(heard, now),
    stale: isStale(heard, ttlSeconds, now),
    uplink: heard.uplink,
  };
}

export function ageSeconds(heard: Word, now: number): number {
  return ageMs(heard, now) / 1000;
}

/** When a node is next told in other words although nothing is said: it turns stale, or its silence has a new figure. */
export function changesAt(heard: Word, ttlSeconds: number, now: number): number {
  const end = expiresAt(heard, ttlSeconds);
  return now < end ? end : heard.receivedAt + nextWordsMs(ageMs(heard, now));
}

/** `No heartbeat for 75 s` */
export function silence(heard: { receivedAt: number }, now: number): string {
  return `No heartbeat for ${durationWords(ageMs(heard, now))}`;
}

/** The status that replaces a stale node's own: what it said last is no longer known to be true. */
export function staleStatus(heard: { receivedAt: number }, last: NodeStatus, now: number): NodeStatus {
  return offlineStatus(silence(heard, now), [
    `Last heartbeat at ${isoTime(heard.receivedAt)}`,
    `Last known: ${last.label}`,
  ]);
}

export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** A clock that was set back must not make a negative age. */
function ageMs(heard: { receivedAt: number }, now: number): number {
  return Math.max(0, now - heard.receivedAt);
}

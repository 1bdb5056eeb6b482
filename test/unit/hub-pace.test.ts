// The pace of a fleet: usual while it is small, slower as it grows, and never one under which a node that keeps it could
// be taken for silent.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expiresAt, isStale } from '../../worker/domain/freshness.ts';
import {
  isOutpaced,
  jittered,
  paceOf,
  POSTS_PER_SECOND,
  SOCKET_REPORTS_PER_SECOND,
  timingOf,
} from '../../worker/domain/interval.ts';
import { holds } from '../support/property.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const count = fc.integer({ min: 0, max: 200_000 });
const ttl = fc.integer({ min: 10, max: 900 });
const chance = fc.double({ min: 0, max: 1, noNaN: true });

describe('the pace', () => {
  test.each([
    ['nobody', { sockets: 0, posts: 0 }, 60, { intervalMs: 5000, ttlSeconds: 60 }],
    ['a thousand nodes by socket', { sockets: 1000, posts: 0 }, 60, { intervalMs: 5000, ttlSeconds: 60 }],
    ['a short TTL', { sockets: 10, posts: 0 }, 10, { intervalMs: 3333, ttlSeconds: 10 }],
    ['ten thousand by POST', { sockets: 0, posts: 10_000 }, 60, { intervalMs: 20_000, ttlSeconds: 66 }],
    ['both ways', { sockets: 12_500, posts: 2500 }, 60, { intervalMs: 10_000, ttlSeconds: 60 }],
    ['many with a long TTL', { sockets: 0, posts: 10_000 }, 900, { intervalMs: 20_000, ttlSeconds: 900 }],
  ])('of %s', (_who, reporting, ttlSeconds, pace) => {
    expect(paceOf(reporting, ttlSeconds)).toEqual(pace);
  });

  test('asks a shard for no more than it can do, up to the longest TTL', () => {
    holds(
      fc.property(count, count, ttl, (sockets, posts, ttlSeconds) => {
        const { intervalMs } = paceOf({ sockets, posts }, ttlSeconds);
        const share = (sockets / SOCKET_REPORTS_PER_SECOND + posts / POSTS_PER_SECOND) / (intervalMs / 1000);
        expect(share <= 1.001 || intervalMs >= 272_000).toBe(true);
      }),
    );
  });

  test('only slows down as a fleet grows, and never promises less than the operator has set', () => {
    holds(
      fc.property(count, count, count, ttl, (sockets, posts, more, ttlSeconds) => {
        const pace = paceOf({ sockets, posts }, ttlSeconds);
        const grown = paceOf({ sockets: sockets + more, posts }, ttlSeconds);
        expect(grown.intervalMs).toBeGreaterThanOrEqual(pace.intervalMs);
        expect(grown.ttlSeconds).toBeGreaterThanOrEqual(pace.ttlSeconds);
        expect(pace.ttlSeconds).toBeGreaterThanOrEqual(ttlSeconds);
        expect(pace.ttlSeconds).toBeLessThanOrEqual(900);
      }),
    );
  });

  test('lets a node that keeps it lose a report without being stale, whatever chance adds', () => {
    holds(
      fc.property(count, count, ttl, chance, (sockets, posts, ttlSeconds, luck) => {
        const told = jittered(paceOf({ sockets, posts }, ttlSeconds), luck);
        const heard = { receivedAt: NOW, ttlSeconds: told.ttlSeconds };
        expect(isStale(heard, ttlSeconds, NOW + 2 * told.intervalMs)).toBe(false);
      }),
    );
  });

  test('is told anew only where it has changed, not for what chance adds', () => {
    holds(
      fc.property(count, count, ttl, chance, (sockets, posts, ttlSeconds, luck) => {
        const pace = paceOf({ sockets, posts }, ttlSeconds);
        expect(isOutpaced(jittered(pace, luck), pace)).toBe(false);
        expect(isOutpaced(jittered({ ...pace, intervalMs: pace.intervalMs * 2 }, luck), pace)).toBe(true);
      }),
    );
  });

  test('is spread on both sides of what it is meant to be', () => {
    const pace = { intervalMs: 5000, ttlSeconds: 60 };
    expect([0, 0.5, 1].map((luck) => jittered(pace, luck).intervalMs)).toEqual([4500, 5000, 5500]);
    expect(timingOf(pace, NOW)).toEqual({
      ttl_seconds: 60,
      interval_ms: 5000,
      server_time: '2026-11-22T12:00:00.000Z',
    });
  });
});

describe('a word counts for as long as its node was told', () => {
  test('not for what holds for others: longer, or shorter', () => {
    expect(expiresAt({ receivedAt: NOW }, 60)).toBe(NOW + 60_000);
    expect(expiresAt({ receivedAt: NOW, ttlSeconds: 90 }, 60)).toBe(NOW + 90_000);
    expect(expiresAt({ receivedAt: NOW, ttlSeconds: 60 }, 90)).toBe(NOW + 60_000);
  });

  test('fresh before its end, stale from it on', () => {
    holds(
      fc.property(ttl, ttl, fc.integer({ min: 0, max: 2_000_000 }), (told, others, age) => {
        expect(isStale({ receivedAt: NOW, ttlSeconds: told }, others, NOW + age)).toBe(age >= told * 1000);
      }),
    );
  });
});

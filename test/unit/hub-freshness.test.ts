// Freshness: one clock, one limit, and words that say how long nothing was heard.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationWords, nextWordsMs } from '../../worker/domain/duration.ts';
import { changesAt, expiresAt, freshnessOf, isStale, staleStatus } from '../../worker/domain/freshness.ts';
import { retentionMs, shardCount, ttlSeconds } from '../../worker/domain/settings.ts';
import { intervalMs } from '../../worker/domain/interval.ts';
import { holds } from '../support/property.ts';
import { snapshot } from '../support/snapshot.ts';

const NOW = Date.parse('2026-11-22T12:00:00.000Z');
const S = 1000;
const MIN = 60 * S;
const H = 60 * MIN;

describe('duration words', () => {
  test.each([
    [-5, '0 s'],
    [0, '0 s'],
    [999, '0 s'],
    [75 * S, '75 s'],
    [120 * S - 1, '119 s'],
    [120 * S, '2 min'],
    [12 * MIN + 59 * S, '12 min'],
    [120 * MIN - 1, '119 min'],
    [120 * MIN, '2 h'],
    [3 * H, '3 h'],
    [48 * H - 1, '47 h'],
    [48 * H, '2 days'],
    [5 * 24 * H, '5 days'],
  ])('%i ms is %s', (ms, words) => {
    expect(durationWords(ms)).toBe(words);
  });

  test('never say more time than has passed, and less than one unit too little', () => {
    const unit: Record<string, number> = { s: S, min: MIN, h: H, days: 24 * H };
    holds(
      fc.property(fc.integer({ min: 0, max: 400 * 24 * H }), (ms) => {
        const [, count, word] = /^(\d+) (s|min|h|days)$/.exec(durationWords(ms)) ?? [];
        const unitMs = unit[word ?? ''] ?? Number.NaN;
        const said = Number(count) * unitMs;
        expect(said).toBeLessThanOrEqual(ms);
        expect(ms - said).toBeLessThan(unitMs);
      }),
    );
  });
});

describe('the next words of a duration', () => {
  test('come exactly there, and none before', () => {
    holds(
      fc.property(fc.integer({ min: 0, max: 400 * 24 * H }), (ms) => {
        const next = nextWordsMs(ms);
        expect(next).toBeGreaterThan(ms);
        expect(durationWords(next - 1)).toBe(durationWords(ms));
        expect(durationWords(next)).not.toBe(durationWords(ms));
      }),
    );
  });
});

describe('settings', () => {
  test.each([
    [undefined, 60],
    ['', 60],
    ['  ', 60],
    ['soon', 60],
    ['30s', 60],
    ['NaN', 60],
    ['Infinity', 60],
    ['9', 10],
    ['-5', 10],
    ['10', 10],
    ['75.9', 75],
    [75, 75],
    ['900', 900],
    ['901', 900],
    ['1e9', 900],
  ])('a TTL of %j means %i s', (setting, seconds) => {
    expect(ttlSeconds(setting)).toBe(seconds);
  });

  test('retention is told in hours and never nothing', () => {
    expect(retentionMs(undefined)).toBe(24 * H);
    expect(retentionMs('0')).toBe(H);
    expect(retentionMs('48')).toBe(48 * H);
  });

  test('there is at least one shard', () => {
    expect(shardCount(undefined)).toBe(1);
    expect(shardCount('0')).toBe(1);
    expect(shardCount('8')).toBe(8);
  });

  test('a node reports every 5 s, and often enough for a short TTL', () => {
    expect(intervalMs(60)).toBe(5000);
    expect(intervalMs(10)).toBe(3333);
  });
});

describe('freshness', () => {
  test('is judged at the read, exactly at the limit', () => {
    const heard = { receivedAt: NOW, uplink: 'post' as const };
    expect(freshnessOf(heard, 60, NOW + 59_999)).toEqual({
      received_at: '2026-11-22T12:00:00.000Z',
      expires_at: '2026-11-22T12:01:00.000Z',
      age_seconds: 59.999,
      stale: false,
      uplink: 'post',
    });
    expect(freshnessOf(heard, 60, NOW + 60_000)).toMatchObject({ age_seconds: 60, stale: true });
  });

  test('a clock that was set back makes no negative age', () => {
    expect(freshnessOf({ receivedAt: NOW, uplink: 'open' }, 60, NOW - 5000)).toMatchObject({
      age_seconds: 0,
      stale: false,
    });
  });

  test('once stale, stale until it is heard again; fresh before its expiry', () => {
    holds(
      fc.property(fc.integer({ min: 10, max: 900 }), fc.integer({ min: 0, max: 2_000_000 }), (ttl, age) => {
        const heard = { receivedAt: NOW };
        const now = NOW + age;
        expect(isStale(heard, ttl, now)).toBe(now >= expiresAt(heard, ttl));
        expect(!isStale(heard, ttl, now) || isStale(heard, ttl, now + 1)).toBe(true);
      }),
    );
  });

  test('a node is told in other words when it expires, and then whenever its silence has another figure', () => {
    holds(
      fc.property(
        fc.integer({ min: 10, max: 900 }),
        fc.integer({ min: -1000, max: 20 * 24 * H }),
        (ttl, age) => {
          const heard = { receivedAt: NOW };
          const words = (now: number): string =>
            isStale(heard, ttl, now) ? staleStatus(heard, snapshot().status, now).label : 'fresh';
          const next = changesAt(heard, ttl, NOW + age);
          expect(next).toBeGreaterThan(NOW + age);
          expect(words(next - 1)).toBe(words(NOW + age));
          expect(words(next)).not.toBe(words(NOW + age));
        },
      ),
    );
  });

  test('a stale node is told as offline, with what it said last', () => {
    const { status } = snapshot();
    expect(staleStatus({ receivedAt: NOW }, status, NOW + 75_000)).toEqual({
      code: 'offline',
      severity: 'error',
      severity_label: 'Error',
      label: 'Offline - No heartbeat for 75 s',
      detail: ['Last heartbeat at 2026-11-22T12:00:00.000Z', 'Last known: Ready - Runtime telemetry nominal'],
      aria_hint:
        'Runtime status Offline - No heartbeat for 75 s. Last heartbeat at 2026-11-22T12:00:00.000Z; ' +
        'Last known: Ready - Runtime telemetry nominal',
    });
  });
});

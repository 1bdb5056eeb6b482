// What a session of a browser is worth: how long, and for requests from where.

import { describe, expect, test } from 'vitest';
import { isFromOwnPage, SESSION_MS, sessionUntil } from '../../worker/domain/session.ts';

const NOW = 1_800_000_000_000;

test.each([
  ['it lasts', String(NOW + 1), NOW + 1],
  ['at its last moment', String(NOW + SESSION_MS), NOW + SESSION_MS],
  ['it is over', String(NOW), undefined],
  ['it was made where the clock is ahead', String(NOW + SESSION_MS + 60_000), NOW + SESSION_MS + 60_000],
  ['it lasts longer than any that is made', String(NOW + SESSION_MS + 300_001), undefined],
  ['it is no time', 'admin', undefined],
  ['it is nothing', '', undefined],
])('%s', (_, value, until) => {
  expect(sessionUntil(value, NOW)).toBe(until);
});

describe('a request is from our own page', () => {
  const host = 'hub.example.com:8787';
  test.each([
    [true, 'same-origin', undefined],
    [true, undefined, 'http://hub.example.com:8787'],
    // TLS ends at a proxy.
    [true, undefined, 'https://hub.example.com:8787'],
    [true, 'same-origin', 'http://hub.example.com:8787'],
    [false, undefined, undefined],
    [false, 'same-site', 'http://other.example.com:8787'],
    [false, 'same-site', 'http://hub.example.com:8787'],
    [false, 'cross-site', undefined],
    [false, 'none', undefined],
    [false, undefined, 'http://hub.example.com'],
    [false, undefined, 'null'],
    [false, undefined, 'http://hub.example.com:8787.evil.example'],
    [false, 'same-origin', 'http://evil.example'],
  ])('%s: site %s, origin %s', (expected, site, origin) => {
    expect(isFromOwnPage({ site, origin, host })).toBe(expected);
  });
});

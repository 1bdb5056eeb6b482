// The doctor's text and its pure judgements: 80 columns, words for every status, and whose clock it is.

import { describe, expect, test } from 'vitest';
import { fail, failAs, ok, skipped, warn } from '../../reporter/doctor/finding.ts';
import { clock } from '../../reporter/doctor/hub.ts';
import { renderFindings } from '../../reporter/doctor/render.ts';

test('a line a finding, its remedy under an arrow, and what it comes to', () => {
  const text = renderFindings([
    ok('Node', '24.21.0'),
    warn('disk', '0.4 GB free', 'make room'),
    fail('hub', 'no hub is named', `set --hub URL or ARW_HUB_URL ${'and so on '.repeat(6)}`.trim()),
    skipped('clock', 'compared with the hub once that answers'),
  ]);
  expect(text).toBe(`ok       Node: 24.21.0
warn     disk: 0.4 GB free
         -> make room
fail     hub: no hub is named
         -> set --hub URL or ARW_HUB_URL and so on and so on and so on and so on
            and so on and so on
skipped  clock: compared with the hub once that answers

1 fault, 1 warning: do what the arrows say, then ask again.
`);
});

test('nothing at fault', () => {
  expect(renderFindings([ok('Node', '24.21.0')])).toBe(
    'ok       Node: 24.21.0\n\nReady to run: 0 faults, 0 warnings.\n',
  );
});

test('a sentence of ours falls into what is wrong and what to do', () => {
  expect(failAs('llama', 'Program x is not on the PATH; install it')).toEqual(
    fail('llama', 'Program x is not on the PATH', 'install it'),
  );
});

describe('the clock', () => {
  const hub = 'Sun, 22 Nov 2026 12:00:00 GMT';
  const hubMs = Date.parse(hub);
  test.each<[string, number, string, string]>([
    ['within the second that the header tells', 500, 'ok', 'agrees with the hub'],
    ['a little ahead', 4_999, 'ok', 'this host is 4 s ahead of the hub'],
    ['well ahead', 12_000, 'warn', 'this host is 11 s ahead of the hub'],
    ['well behind', -20_000, 'warn', 'this host is 20 s behind the hub'],
    ['an hour behind', -3_600_000, 'fail', 'this host is 3600 s behind the hub'],
  ])('%s', (_what, aheadMs, status, what) => {
    expect(clock(hub, hubMs + aheadMs, hubMs + aheadMs)).toMatchObject({ status, what });
  });
  test('a slow answer is no skew', () => {
    expect(clock(hub, hubMs - 9_000, hubMs + 9_000).status).toBe('ok');
  });
  test('no header, no judgement', () => {
    expect(clock(null, 0, 0).status).toBe('skipped');
    expect(clock('yesterday', 0, 0).status).toBe('skipped');
  });
});

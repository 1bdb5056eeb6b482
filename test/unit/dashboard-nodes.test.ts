// What the page says of nodes: the badge, figures with their units, and a silent node that is never taken for a live one.

import { describe, expect, test } from 'vitest';
import type { MatrixItem } from '../../contract/read-models.ts';
import { badgePart, badgeTitle, badgeWords } from '../../dashboard/view-model/fleet-badge.ts';
import {
  bytesWords,
  memoryWords,
  paceWords,
  percentWords,
  spanWords,
} from '../../dashboard/view-model/figures.ts';
import { isFound, nodeFigures, searchText, statusNow } from '../../dashboard/view-model/node-view.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const RESET = '2026-11-22T14:32:00.000Z';

function clock(time: string): string {
  return time.slice(11, 16);
}

function item(node: string, runtimes = [runtimeRecord()]): MatrixItem {
  return {
    ...snapshot({ node, runtimes }),
    received_at: '2026-11-22T12:35:00.000Z',
    expires_at: '2026-11-22T12:36:00.000Z',
    age_seconds: 0,
    stale: false,
    uplink: 'open',
  };
}

describe('the badge', () => {
  const tight = { window_seconds: 600, max_restarts: 3, used: 2, remaining: 1, reset_at: RESET };
  const well = badgePart(
    item('a', [runtimeRecord({ id: 'x', budget: tight }), runtimeRecord()]),
    false,
    clock,
  );
  const failed = badgePart(item('b', [runtimeRecord({ state: 'error' })]), false, clock);

  test('is one line as operators know it', () => {
    expect(badgeWords([well, failed], clock)).toBe('Runtime: 2/3 ready · 1 restart left · resets 14:32');
    expect(badgeWords([], clock)).toBe('Runtime: none reported');
  });

  test('has every runtime in its title, those that are not ready first', () => {
    expect(badgeTitle([well, failed]).split('\n')).toEqual([
      'Runtime llama.70b on b: Error, 3 of 3 restarts left',
      'Runtime x on a: Ready, 1 of 3 restarts left, resets 14:32',
      'Runtime llama.70b on a: Ready, 3 of 3 restarts left',
    ]);
  });

  test('counts nothing of a silent node as ready, and no headroom of it', () => {
    const silent = badgePart(item('c', [runtimeRecord({ budget: emptyBudget(RESET) })]), true, clock);
    expect(badgeWords([well, silent], clock)).toBe('Runtime: 2/3 ready · 1 restart left · resets 14:32');
    expect(silent.lines).toEqual(['Runtime llama.70b on c: unknown, nothing is heard of its node']);
  });
});

test('a silent node is offline with what it last said, and has no figures', () => {
  expect(statusNow(item('a'), true, clock)).toMatchObject({
    code: 'offline',
    label: 'Offline - No heartbeat since 12:35',
    detail: ['It last said: Ready - Runtime telemetry nominal'],
  });
  expect(nodeFigures(item('a'), true)).toMatchObject({ loadRatio: undefined, tokensPerSecond: undefined });
});

test('a figure that nobody told is unknown and never 0', () => {
  expect(nodeFigures(item('a'), false)).toMatchObject({ loadRatio: undefined, inflight: undefined });
  expect([percentWords(undefined), paceWords(undefined), memoryWords(undefined, undefined)]).toEqual([
    'unknown',
    'unknown',
    'unknown',
  ]);
  expect([percentWords(0), paceWords(0), bytesWords(0)]).toEqual(['0 %', '0.0 tok/s', '0 B']);
});

test('figures are short and have their unit', () => {
  expect(memoryWords(61 * 2 ** 30, 80 * 2 ** 30)).toBe('61 / 80 GB');
  expect(memoryWords(undefined, 80 * 2 ** 30)).toBe('of 80 GB');
  expect(paceWords(71.34)).toBe('71 tok/s');
  expect([0, 119_000, 120_000, 7_200_000, 172_800_000].map(spanWords)).toEqual([
    '0 s',
    '119 s',
    '2 min',
    '2 h',
    '2 d',
  ]);
});

test('a search finds by node, model, device and state, all words of it', () => {
  const text = searchText(item('gpu-01'), item('gpu-01').status);
  expect(['GPU-01', 'llama-3.3 ready', 'test cpu', ''].map((query) => isFound(text, query))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(isFound(text, 'gpu-01 degraded')).toBe(false);
});

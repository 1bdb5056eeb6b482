// Doubts about models at rest, each judged for itself.

import { expect, test } from 'vitest';
import {
  doubtLines,
  doubtsAfter,
  idleProbeWords,
  type IdleProbeNews,
} from '../../reporter/supervisor/idle-doubt.ts';

const failed = (model?: string): IdleProbeNews => ({
  kind: 'unanswered',
  reason: 'no token within 30 s',
  ...(model !== undefined && { model }),
});
const settled = (model: string): IdleProbeNews => ({ kind: 'settled', model });
const after = (...news: IdleProbeNews[]) =>
  news.reduce<ReturnType<typeof doubtsAfter>>((doubts, next) => doubtsAfter(doubts, [next]), []);

test('one failure of each of two models is noise twice, and no finding', () => {
  const doubts = after(failed('a'), failed('b'));
  expect(idleProbeWords(doubts)).toBeUndefined();
  expect(doubtLines(doubts)).toEqual([
    'Last idle probe of a failed (no token within 30 s)',
    'Last idle probe of b failed (no token within 30 s)',
  ]);
});

test('two failures of one model are a finding that names it, whatever the other does', () => {
  const doubts = after(failed('a'), failed('b'), settled('b'), failed('a'));
  expect(idleProbeWords(doubts)).toBe('Idle probe of a failing (no token within 30 s)');
});

test('a model without a name is the only one', () => {
  expect(idleProbeWords(after(failed(), failed()))).toBe('Idle probe failing (no token within 30 s)');
});

test('a token ends the doubt, and news of nothing keeps it', () => {
  expect(after(failed('a'), settled('a'))).toEqual([]);
  expect(doubtsAfter(after(failed('a')), [])).toHaveLength(1);
});

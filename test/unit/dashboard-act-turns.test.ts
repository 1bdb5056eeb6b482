// What is announced of the acts: each turn once, and the same words again where another act says them.

import { expect, test } from 'vitest';
import { freshTurn } from '../../dashboard/view-model/act-turns.ts';

const DONE = 'Restore of gpu-01/llama completed';

test('a turn is told once', () => {
  const turns = new Map([[1, DONE]]);
  expect(freshTurn(new Map(), turns)).toEqual({ id: 1, words: DONE });
  expect(freshTurn(turns, turns)).toBeUndefined();
});

test('a second act is told although the first said the same', () => {
  const heard = new Map([[1, DONE]]);
  const turns = new Map([
    [2, DONE],
    [1, DONE],
  ]);
  expect(freshTurn(heard, turns)).toEqual({ id: 2, words: DONE });
});

test('what was put away is nothing to tell', () => {
  expect(freshTurn(new Map([[1, DONE]]), new Map())).toBeUndefined();
});

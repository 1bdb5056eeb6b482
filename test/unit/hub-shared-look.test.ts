// How an isolate asks for cells: once, however many look at the same moment, and again only when they may be shown no more.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SharedLook } from '../../worker/shared-look.ts';

const WINDOW_MS = 250;
/** After which one who waits for another asks itself. */
const WAIT_MS = 1000;

type Look = { until: number; version: number };

let shared: SharedLook<Look>;
/** What the objects were asked, each to be answered by the test. */
let asked: PromiseWithResolvers<Look>[];

beforeEach(() => {
  vi.useFakeTimers();
  shared = new SharedLook();
  asked = [];
});
afterEach(() => void vi.useRealTimers());

function look(): Promise<Look> {
  return shared.look({ waitUntil: (work) => void work }, () => {
    const question = Promise.withResolvers<Look>();
    asked.push(question);
    return question.promise;
  });
}

function answer(version: number): void {
  asked.at(-1)?.resolve({ until: Date.now() + WINDOW_MS, version });
}

test('all who look at one instant are answered by one question', async () => {
  const looks = Array.from({ length: 100 }, () => look());
  answer(1);
  expect((await Promise.all(looks)).map(({ version }) => version)).toEqual(looks.map(() => 1));
  expect(asked).toHaveLength(1);
});

test('it is shown again for as long as it may be, and asked for anew after that', async () => {
  const first = look();
  answer(1);
  await first;
  vi.advanceTimersByTime(WINDOW_MS - 1);
  expect(await look()).toMatchObject({ version: 1 });
  vi.advanceTimersByTime(1);
  const second = look();
  answer(2);
  expect(await second).toMatchObject({ version: 2 });
  expect(asked).toHaveLength(2);
});

test('who waits for one who failed asks by itself', async () => {
  const first = look();
  const waiting = look();
  asked[0]?.reject(new Error('the object is away'));
  await expect(first).rejects.toThrow('away');
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  answer(2);
  expect(await waiting).toMatchObject({ version: 2 });
});

test('nobody waits for ever for one who was ended without a word', async () => {
  void look();
  const waiting = look();
  await vi.advanceTimersByTimeAsync(WAIT_MS);
  expect(asked).toHaveLength(2);
  answer(2);
  expect(await waiting).toMatchObject({ version: 2 });
  expect(vi.getTimerCount()).toBe(0);
});

// How an isolate shows a view again: the objects are asked once however many look, and never shown for too long.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ViewCache, type Asked, type Reader } from '../../worker/view-cache.ts';

const WINDOW_MS = 250;
const MEBIBYTE = 1024 * 1024;

let cache: ViewCache;
/** What the objects were asked, each to be answered by the test. */
let asked: PromiseWithResolvers<Asked>[];
let version: number;

beforeEach(() => {
  vi.useFakeTimers();
  cache = new ViewCache();
  asked = [];
  version = 0;
});
afterEach(() => void vi.useRealTimers());

function reader(has = ''): Reader {
  return { has: (etag) => etag === has, waitUntil: () => undefined };
}

function look(who = reader(), key = 'view') {
  return cache.show(key, who, () => {
    const question = Promise.withResolvers<Asked>();
    asked.push(question);
    return question.promise;
  });
}

function answer(body: Asked['body'] = new Blob(['{}'])): Asked {
  version += 1;
  const said = { etag: `"${version}"`, body, until: Date.now() + WINDOW_MS };
  asked.at(-1)?.resolve(said);
  return said;
}

function streamOf(text: string): ReadableStream<Uint8Array> {
  return ReadableStream.from([new TextEncoder().encode(text)]);
}

async function keep(key: string, bytes: number): Promise<void> {
  const shown = look(reader(), key);
  answer(new Blob([new Uint8Array(bytes)]));
  await shown;
}

async function isKept(key: string): Promise<boolean> {
  const before = asked.length;
  const shown = look(reader(), key);
  if (asked.length > before) answer();
  await shown;
  return asked.length === before;
}

test('all who look at one instant are answered by one question', async () => {
  const looks = Array.from({ length: 16 }, () => look());
  expect(asked).toHaveLength(1);
  const { etag, body } = answer();
  for (const view of await Promise.all(looks)) expect(view).toEqual({ etag, body });
  expect(asked).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('nobody asks again before the answer is too old, and one does right then', async () => {
  const first = look();
  answer();
  await first;
  await vi.advanceTimersByTimeAsync(WINDOW_MS - 1);
  await look();
  expect(asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  const later = [look(), look()];
  expect(asked).toHaveLength(2);
  const { etag } = answer();
  for (const view of await Promise.all(later)) expect(view.etag).toBe(etag);
});

test('a reader that has the view gets no body, also one that waited for the question of another', async () => {
  const looks = [look(reader('"1"')), look(reader('"1"')), look()];
  answer();
  const [first, second, third] = await Promise.all(looks);
  // Who asks is handed what came; the route compares the tags.
  expect(first?.etag).toBe('"1"');
  expect(second).toEqual({ etag: '"1"', body: undefined });
  expect(third?.body).toBeInstanceOf(Blob);
  expect(await look(reader('"1"'))).toEqual({ etag: '"1"', body: undefined });
});

test('who waits asks itself where the one who asked fails, or is ended without a word', async () => {
  const failing = look();
  const waiting = look();
  asked[0]?.reject(new Error('the object is gone'));
  await expect(failing).rejects.toThrow('the object is gone');
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  answer();
  await waiting;

  await vi.advanceTimersByTimeAsync(WINDOW_MS);
  void look();
  const stuck = [look(), look()];
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toHaveLength(5);
  for (const question of asked.slice(3)) question.resolve({ etag: '"x"', body: new Blob([]), until: 0 });
  expect((await Promise.all(stuck)).map(({ etag }) => etag)).toEqual(['"x"', '"x"']);
  // The one that is stuck holds up nobody who comes later.
  const late = look();
  expect(asked).toHaveLength(6);
  answer();
  await late;
});

test('a large view is streamed to each reader, and its tag still saves the way', async () => {
  const first = look();
  const second = look();
  const { etag } = answer(streamOf('one'));
  expect((await first).body).toBeInstanceOf(ReadableStream);
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  answer(streamOf('two'));
  const { body } = await second;
  expect(await new Response(body instanceof ReadableStream ? body : null).text()).toBe('two');
  expect(await look(reader('"2"'))).toEqual({ etag: '"2"', body: undefined });
  expect(asked).toHaveLength(2);
  void look(reader(etag));
  void look(reader(etag));
  expect(asked).toHaveLength(4);
});

test('what is kept is bounded: the oldest view makes room', async () => {
  for (let index = 0; index < 5; index += 1) await keep(`large-${index}`, 4 * MEBIBYTE);
  expect(await isKept('large-4')).toBe(true);
  expect(await isKept('large-0')).toBe(false);
  for (let index = 0; index < 33; index += 1) await keep(`small-${index}`, 1);
  expect(await isKept('small-1')).toBe(true);
  expect(await isKept('small-0')).toBe(false);
});

// The stream of one reader in the hub: numbered events, bounded for a slow reader, alive, and over once.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LogStream } from '../../worker/objects/shard/log-stream.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function opened(look: () => undefined | { reason: string; message: string } = () => undefined) {
  const onOver = vi.fn<() => void>();
  const stream = new LogStream({ look, onOver });
  const reader = stream.readable.pipeThrough(new TextDecoderStream()).getReader();
  return { stream, onOver, reader, next: async () => (await reader.read()).value };
}

async function all(readable: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(readable).text();
}

test('a quiet stream says every 15 s that it is there', async () => {
  const { next } = opened();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await next()).toBe(': still here\n\n');
});

test('a reader that is too slow is told what it missed, and the rest is not held', async () => {
  const onOver = vi.fn<() => void>();
  const stream = new LogStream({ look: () => undefined, onOver });
  const line = 'x'.repeat(4_000);
  for (let index = 0; index < 1_000; index += 1) stream.lines([line], 0);
  stream.end({ reason: 'done', message: 'Over' });

  const events = (await all(stream.readable)).split('\n\n').filter((event) => event !== '');
  const told = events.filter((event) => event.startsWith('event: log')).length;
  expect(told).toBeLessThan(80);
  expect(events.at(-2)).toBe(`event: dropped\ndata: {"lines":${1_000 - told}}`);
  expect(events.at(-1)).toBe('event: end\ndata: {"reason":"done","message":"Over"}');
  expect(onOver).toHaveBeenCalledTimes(1);
});

test('a reader that catches up hears what it missed without waiting for another line', async () => {
  const { stream, next } = opened();
  for (let index = 0; index < 200; index += 1) stream.lines(['x'.repeat(4_000)], 0);
  let text = '';
  for (let read = 0; read < 60; read += 1) text = (await next()) ?? '';
  expect(text).toContain('event: log');
  for (let waited = 0; waited < 100 && !text.includes('dropped'); waited += 1) {
    await vi.advanceTimersByTimeAsync(15_000);
    text = (await next()) ?? '';
  }
  expect(text).toMatch(/^event: dropped\ndata: {"lines":\d+}\n\n: still here\n\n$/);
});

test('it ends where a look finds a reason, by itself after its limit, and when the reader goes: each time once', async () => {
  const gone = opened(() => ({ reason: 'node-gone', message: 'Gone' }));
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await gone.next()).toContain('"reason":"node-gone"');
  gone.stream.lines(['late'], 0);
  expect(await gone.next()).toBeUndefined();
  expect(gone.onOver).toHaveBeenCalledTimes(1);

  const long = new LogStream({ look: () => undefined, onOver: () => undefined });
  await vi.advanceTimersByTimeAsync(3_660_000);
  expect(await all(long.readable)).toMatch(/event: end\ndata: {"reason":"limit".*}\n\n$/);

  const onOver = vi.fn<() => void>();
  const left = new LogStream({ look: () => undefined, onOver });
  await left.readable.cancel();
  left.lines(['late'], 0);
  left.end({ reason: 'done', message: 'late' });
  expect(onOver).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

// The stream in which a relayed answer leaves the hub: every byte in its order, whoever is slow, and a node that keeps to
// its credit is never stuck. Parts that come as bodies stand where the node said that it moved.

import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReceiveCredit, RELAY_WINDOW_BYTES, SendCredit } from '../../contract/relay-credit.ts';
import { RelayBody, type PartEnd } from '../../worker/objects/shard/relay-body.ts';
import { holdsLater } from '../support/property.ts';

const steps = fc.array(
  fc.record({
    bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: RELAY_WINDOW_BYTES })),
    isRead: fc.boolean(),
    /** They come as the body of a request. */
    isPart: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** A node that sends what its credit allows, and a reader that asks for one piece after the other, as the platform does. */
class Relaying {
  readonly credit = new SendCredit();
  readonly #received = new ReceiveCredit();
  left = 0;
  readonly body = new RelayBody({
    // As the platform's: a write is over once the reader has asked for it.
    pipe: new TransformStream<Uint8Array, Uint8Array>({}, { highWaterMark: 1 }, { highWaterMark: 0 }),
    onRead: (bytes) => this.credit.grant(this.#received.read(bytes)),
    onLeft: () => (this.left += 1),
  });
  readonly #reader = this.body.readable.getReader();
  #isAsking = false;
  sent = 0;
  got = 0;
  isDone = false;

  send(bytes: number): void {
    const size = Math.min(bytes, this.credit.left);
    if (size === 0) return;
    this.credit.spend(size);
    if (!this.#received.receive(size)) throw new Error('more was sent than was granted');
    this.body.push(this.#next(size));
  }

  /** In pieces, as bodies come. */
  upload(bytes: number): Promise<PartEnd> {
    const pieces: Uint8Array[] = [];
    const size = Math.ceil(bytes / 4);
    for (let left = bytes; left > 0; left -= size) pieces.push(this.#next(Math.min(size, left)));
    return this.body.move(ReadableStream.from(pieces));
  }

  #next(size: number): Uint8Array {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (this.sent + index) % 251);
    this.sent += size;
    return bytes;
  }

  async read(): Promise<void> {
    if (!this.#isAsking) void this.#ask();
    await setImmediate();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const { done, value } = await this.#reader.read();
    this.#isAsking = false;
    this.isDone = done;
    for (const byte of value ?? []) {
      if (byte !== this.got % 251) throw new Error(`byte ${this.got} is not the one that was sent`);
      this.got += 1;
    }
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

test('every byte comes in its order, and where the reader keeps up there is always credit', async () => {
  await holdsLater(
    fc.asyncProperty(steps, async (all) => {
      const relaying = new Relaying();
      const parts: Promise<PartEnd>[] = [];
      for (const { bytes, isRead, isPart } of all) {
        if (isPart) parts.push(relaying.upload(bytes));
        else relaying.send(bytes);
        if (isRead) await relaying.read();
      }
      while (relaying.got < relaying.sent) await relaying.read();
      // It asks for more.
      await relaying.read();
      expect(relaying.credit.left).toBeGreaterThan(RELAY_WINDOW_BYTES / 2);
      relaying.send(RELAY_WINDOW_BYTES);
      relaying.body.end();
      while (!relaying.isDone) await relaying.read();
      expect(relaying.got).toBe(relaying.sent);
      expect(relaying.left).toBe(0);
      expect(new Set(await Promise.all(parts))).toEqual(new Set(parts.length > 0 ? ['whole'] : []));
    }),
    100,
  );
});

test('a reader that reads nothing is sent one window and no more', async () => {
  const relaying = new Relaying();
  for (let round = 0; round < 100; round += 1) {
    relaying.send(4096);
    await setImmediate();
  }
  expect(relaying.sent).toBe(RELAY_WINDOW_BYTES);
});

test('a reader that leaves is told of once, and what comes after that is nobody’s', async () => {
  const relaying = new Relaying();
  relaying.send(100);
  await relaying.read();
  await relaying.leave();
  relaying.send(100);
  await setImmediate();
  relaying.body.end();
  expect(relaying.left).toBe(1);
  expect(await relaying.upload(100)).toBe('left');
});

/** A body that gives `bytes` and then neither more nor an end, until it is told to break. */
function endless(bytes: Uint8Array): {
  source: ReadableStream<Uint8Array>;
  fail: () => void;
  isCancelled: () => boolean;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let isCancelled = false;
  const source = new ReadableStream<Uint8Array>({
    start: (own) => {
      controller = own;
      own.enqueue(bytes);
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  return { source, fail: () => controller?.error(new Error('reset')), isCancelled: () => isCancelled };
}

test('a part that breaks off is told of; what is pushed then follows what had come of it', async () => {
  const relaying = new Relaying();
  const { source, fail } = endless(Uint8Array.from([0, 1, 2]));
  const ended = relaying.body.move(source);
  await relaying.read();
  fail();
  expect(await ended).toBe('broken');
  relaying.body.push(Uint8Array.from([3, 4]));
  relaying.body.end();
  while (!relaying.isDone) await relaying.read();
  expect(relaying.got).toBe(5);
  expect(relaying.left).toBe(0);
});

test('the last word is said after a part that its sender never ended', async () => {
  const relaying = new Relaying();
  const { source, fail } = endless(Uint8Array.from([0, 1, 2]));
  const ended = relaying.body.move(source);
  await relaying.read();
  relaying.body.push(Uint8Array.from([3]));
  relaying.body.end();
  fail();
  expect(await ended).toBe('broken');
  while (!relaying.isDone) await relaying.read();
  expect(relaying.got).toBe(4);
});

test('a reader that leaves while a part comes lets its source go', async () => {
  const relaying = new Relaying();
  const { source, isCancelled } = endless(Uint8Array.from([0, 1, 2]));
  const ended = relaying.body.move(source);
  await relaying.read();
  await relaying.leave();
  expect(await ended).toBe('left');
  expect(isCancelled()).toBe(true);
});

// The stream in which a relayed answer leaves the hub: every byte in its order, whoever is slow, and a node that keeps to
// its credit is never stuck.

import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReceiveCredit, RELAY_WINDOW_BYTES, SendCredit } from '../../contract/relay-credit.ts';
import { RelayBody } from '../../worker/objects/shard/relay-body.ts';
import { holdsLater } from '../support/property.ts';

const steps = fc.array(
  fc.record({
    bytes: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: RELAY_WINDOW_BYTES })),
    isRead: fc.boolean(),
  }),
  { maxLength: 40 },
);

/** A node that sends what its credit allows, and a reader that asks for one piece after the other, as the platform does. */
class Relaying {
  readonly credit = new SendCredit();
  readonly #received = new ReceiveCredit();
  left = 0;
  readonly body = new RelayBody({
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
    this.body.push(Uint8Array.from({ length: size }, (_, index) => (this.sent + index) % 251));
    this.sent += size;
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
      for (const { bytes, isRead } of all) {
        relaying.send(bytes);
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
  relaying.body.end();
  expect(relaying.left).toBe(1);
});

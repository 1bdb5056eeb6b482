// What leaves a host over its one socket: every byte once and in order, in turns, under each stream's credit, and never more
// in the socket than a heartbeat may wait for.

import { expect, test } from 'vitest';
import { RELAY_WINDOW_BYTES } from '../../contract/relay-credit.ts';
import { readRecords, RELAY_CHUNK_MAX_BYTES, type RelayRecord } from '../../contract/relay-records.ts';
import { RelayOutbox, RelayQueue, type RelayWay } from '../../reporter/uplink/relay-outbox.ts';
import { eventually } from '../support/eventually.ts';

/** A socket whose line takes nothing until a test lets it. */
class StuckWay implements RelayWay {
  readonly messages: Uint8Array[] = [];
  #waiting: { bytes: number; onFlushed: () => void }[] = [];
  isOpen = true;

  sendBytes(bytes: Uint8Array, onFlushed: () => void): boolean {
    if (!this.isOpen) return false;
    this.messages.push(bytes);
    this.#waiting.push({ bytes: bytes.byteLength, onFlushed });
    return true;
  }

  bufferedBytes(): number {
    return this.#waiting.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Everything leaves. */
  flush(): void {
    for (const { onFlushed } of this.#waiting.splice(0)) onFlushed();
  }

  records(): RelayRecord[] {
    return this.messages.flatMap((message) => readRecords(message) ?? []);
  }

  bytesOf(stream: number): Buffer {
    const chunks = this.records().flatMap((record) =>
      record.kind === 'chunk' && record.stream === stream ? [record.payload] : [],
    );
    return Buffer.concat(chunks);
  }
}

/** Longer than a message waits for others. */
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

function queueOf(stream: number): RelayQueue {
  return new RelayQueue(stream, () => undefined);
}

test('what comes at once leaves in one message', async () => {
  const way = new StuckWay();
  const outbox = new RelayOutbox(way);
  for (const stream of [1, 2, 3]) {
    const queue = queueOf(stream);
    queue.push(Buffer.from(`token ${stream}`));
    outbox.wake(queue);
  }
  outbox.say({ kind: 'alive' });
  await soon();
  expect(way.messages.length).toBe(1);
  expect(way.records().map(({ kind }) => kind)).toEqual(['alive', 'chunk', 'chunk', 'chunk']);
});

test('streams take turns, and a small one does not wait for a large one to end', async () => {
  const way = new StuckWay();
  const outbox = new RelayOutbox(way);
  const large = queueOf(1);
  large.push(Buffer.alloc(10 * RELAY_CHUNK_MAX_BYTES, 'x'));
  outbox.wake(large);
  const small = queueOf(2);
  small.push(Buffer.from('token'));
  outbox.wake(small);
  await soon();
  const order = way.records().map((record) => (record.kind === 'chunk' ? record.stream : 0));
  expect(order.slice(0, 3)).toEqual([1, 2, 1]);
  expect(way.bufferedBytes()).toBeLessThanOrEqual(96 * 1024);
});

test('every byte leaves once and in order, no more than was granted, and the end comes after the last', async () => {
  const way = new StuckWay();
  const outbox = new RelayOutbox(way);
  const body = Buffer.from(Array.from({ length: 3 * RELAY_WINDOW_BYTES }, (_, index) => index % 251));
  const queue = queueOf(7);
  let ended = false;
  for (let at = 0; at < body.length; at += 10_000) queue.push(body.subarray(at, at + 10_000));
  queue.end(() => (ended = true));
  outbox.wake(queue);
  /** Until so many bytes have left, and no more come. */
  const settle = (bytes: number): Promise<true> =>
    eventually(`${bytes} bytes have left`, () => {
      way.flush();
      return way.bytesOf(7).length >= bytes;
    });
  await settle(RELAY_WINDOW_BYTES);
  expect(way.bytesOf(7).length).toBe(RELAY_WINDOW_BYTES);
  for (let granted = 2; granted <= 3; granted += 1) {
    expect(ended).toBe(false);
    queue.credit.grant(RELAY_WINDOW_BYTES);
    outbox.wake(queue);
    await settle(granted * RELAY_WINDOW_BYTES);
  }
  expect(way.bytesOf(7).equals(body)).toBe(true);
  expect(ended).toBe(true);
});

test('a source is asked to pause when much waits, and to go on when it does not', async () => {
  const way = new StuckWay();
  const outbox = new RelayOutbox(way);
  let room = 0;
  const queue = new RelayQueue(1, () => (room += 1));
  expect(queue.push(Buffer.alloc(60 * 1024))).toBe(true);
  expect(queue.push(Buffer.alloc(60 * 1024))).toBe(false);
  outbox.wake(queue);
  await soon();
  expect(room).toBe(0);
  way.flush();
  expect(room).toBe(1);
});

test('a socket that is filled by others is looked at again, and one that is gone takes everything along', async () => {
  const way = new StuckWay();
  const outbox = new RelayOutbox(way);
  way.sendBytes(new Uint8Array(100_000), () => undefined);
  const queue = queueOf(1);
  queue.push(Buffer.from('token'));
  outbox.wake(queue);
  await soon();
  expect(way.bytesOf(1).length).toBe(0);
  way.flush();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(way.bytesOf(1).toString()).toBe('token');

  way.isOpen = false;
  queue.push(Buffer.from('lost'));
  outbox.wake(queue);
  await soon();
  way.isOpen = true;
  outbox.say({ kind: 'alive' });
  await soon();
  expect(way.bytesOf(1).toString()).toBe('token');
});

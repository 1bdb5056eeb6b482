// Owns the order in which relayed bytes leave over the one socket: what came together goes together, streams take turns,
// and no more is handed to the socket than a heartbeat may have to wait for.

import { SendCredit } from '../../contract/relay-credit.ts';
import {
  RELAY_CHUNK_MAX_BYTES,
  RELAY_MESSAGE_MAX_BYTES,
  recordBytes,
  writeRecords,
  type RelayRecord,
} from '../../contract/relay-records.ts';

/** What waits in the socket before a heartbeat or the word on a command: half a second on a line of 1 Mbit/s. */
const SOCKET_HOLDS_BYTES = 64 * 1024;
/** What one stream may have waiting here before its source is asked to pause. */
const QUEUE_FULL_BYTES = 64 * 1024;

/** The socket, as far as relayed bytes need it. */
export type RelayWay = {
  /** False where there is no socket. `onFlushed` is called when the bytes have left this process. */
  sendBytes(bytes: Uint8Array, onFlushed: () => void): boolean;
  /** What was handed over and has not left. */
  bufferedBytes(): number;
};

/** The bytes of one answer on their way to the hub. */
export class RelayQueue {
  readonly stream: number;
  readonly credit = new SendCredit();
  readonly #onRoom: () => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isFull = false;
  #onDrained: (() => void) | undefined;

  constructor(stream: number, onRoom: () => void) {
    this.stream = stream;
    this.#onRoom = onRoom;
  }

  /** False where the source should pause; `onRoom` is called when it may go on. */
  push(chunk: Buffer): boolean {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#isFull = this.#bytes >= QUEUE_FULL_BYTES;
    return !this.#isFull;
  }

  /** Nothing follows: `onDrained` is called once everything before it was sent. */
  end(onDrained: () => void): void {
    if (this.#bytes === 0) onDrained();
    else this.#onDrained = onDrained;
  }

  get isSendable(): boolean {
    return this.#bytes > 0 && this.credit.left > 0;
  }

  /** The next bytes, as many as may be sent, fit and are there. */
  take(maxBytes: number): Buffer {
    const wanted = Math.min(maxBytes, this.credit.left, this.#bytes);
    const taken: Buffer[] = [];
    for (let left = wanted; left > 0;) {
      const [first] = this.#chunks;
      if (first === undefined) break;
      const part = first.length <= left ? first : first.subarray(0, left);
      if (part === first) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(left);
      left -= part.length;
      taken.push(part);
    }
    this.credit.spend(wanted);
    this.#bytes -= wanted;
    const [only] = taken;
    return taken.length === 1 && only ? only : Buffer.concat(taken);
  }

  /** All that waits, whatever the credit: it goes another way. */
  takeAll(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks.length = 0;
    this.#bytes = 0;
    this.settle();
    return all;
  }

  /** After what was taken has been handed over. */
  settle(): void {
    if (this.#isFull && this.#bytes < QUEUE_FULL_BYTES / 2) {
      this.#isFull = false;
      this.#onRoom();
    }
    if (this.#bytes === 0) this.#onDrained?.();
  }
}

/** 500 messages a second, however many tokens. */
const MESSAGE_EVERY_MS = 2;
/** Where something else fills the socket nobody tells when it has left. */
const LOOK_AGAIN_MS = 10;

export class RelayOutbox {
  readonly #way: RelayWay;
  /** Streams with bytes to send and the credit for it, the next one first. */
  #turns: RelayQueue[] = [];
  #control: RelayRecord[] = [];
  #isFlushing = false;
  #flushedMs = 0;
  #later: NodeJS.Timeout | undefined;
  /** Messages that have not left. */
  #underWay = 0;

  constructor(way: RelayWay) {
    this.#way = way;
  }

  /** The queue has bytes or credit that it had not before. */
  wake(queue: RelayQueue): void {
    if (!this.#turns.includes(queue)) this.#turns.push(queue);
    this.#flushSoon();
  }

  /** Credit and signs of life: a few bytes each, before all others. */
  say(record: RelayRecord): void {
    this.#control.push(record);
    this.#flushSoon();
  }

  /** Nothing more of it is sent. */
  drop(queue: RelayQueue): void {
    this.#turns = this.#turns.filter((other) => other !== queue);
  }

  /** The socket is gone, and with it everything that waits. */
  clear(): void {
    this.#turns = [];
    this.#control = [];
    clearTimeout(this.#later);
    this.#later = undefined;
  }

  /**
   * After what the sockets of the engines have to tell now: tokens that come at once leave in one message. A message
   * costs the hub more than the tokens in it, so many streams share one every 2 ms; a lone one never waits.
   */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const waitMs = this.#flushedMs + MESSAGE_EVERY_MS - performance.now();
    const flush = (): void => {
      this.#isFlushing = false;
      this.#flushedMs = performance.now();
      this.#flush();
    };
    if (waitMs > 0) setTimeout(flush, waitMs);
    else setImmediate(flush);
  }

  #flush(): void {
    while (this.#way.bufferedBytes() < SOCKET_HOLDS_BYTES) {
      const { records, queues } = this.#nextMessage();
      if (records.length === 0) return;
      this.#underWay += 1;
      const sent = this.#way.sendBytes(writeRecords(records), () => {
        this.#underWay -= 1;
        if (this.#turns.length + this.#control.length > 0) this.#flush();
      });
      if (!sent) {
        this.#underWay -= 1;
        return this.clear();
      }
      for (const queue of queues) queue.settle();
    }
    if (this.#underWay > 0) return;
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#flush();
    }, LOOK_AGAIN_MS);
  }

  /** As much as a message holds: control first, then each stream in turn; who was served goes to the end of the row. */
  #nextMessage(): { records: RelayRecord[]; queues: RelayQueue[] } {
    const records = this.#control;
    const queues: RelayQueue[] = [];
    this.#control = [];
    let left = RELAY_MESSAGE_MAX_BYTES - records.reduce((sum, record) => sum + recordBytes(record), 0);
    // Those without credit come back when they are granted some.
    const row = this.#turns.filter((queue) => queue.isSendable);
    while (left > RELAY_CHUNK_MAX_BYTES / 2) {
      const queue = row.shift();
      if (queue === undefined) break;
      const payload = queue.take(Math.min(RELAY_CHUNK_MAX_BYTES, left));
      const record: RelayRecord = { kind: 'chunk', stream: queue.stream, payload, isLast: false };
      left -= recordBytes(record);
      records.push(record);
      queues.push(queue);
      if (queue.isSendable) row.push(queue);
    }
    this.#turns = row;
    return { records, queues };
  }
}

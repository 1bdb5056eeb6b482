// Owns one reader of server-sent events: a WebSocket to Fleet on one side, bytes on the other, and the end of both when
// either side goes. What waits here for a slow reader is bounded, since nothing is acknowledged that was not read.

import { EVENTS_ACK, EVENTS_WINDOW, type StreamEnd } from '../contract/events.ts';
import { UPLINK_PING, UPLINK_PONG } from '../contract/frames.ts';
import { endBody, EVENTS_KEEP_ALIVE, sseOf } from './domain/event-text.ts';
import { isoTime } from './domain/freshness.ts';

const KEEP_ALIVE_MS = 15_000;
/** So many keep-alives without an answer, or without a byte read, and the other side counts as gone. */
const PATIENCE_TICKS = 4;
const BUFFER_BYTES = 64 * 1024;
const ACK_EVERY = EVENTS_WINDOW / 16;

const GONE: StreamEnd = {
  reason: 'hub-gone',
  message: 'The hub restarted or cannot be reached: connect again with the last id',
};
const SLOW: StreamEnd = {
  reason: 'slow-reader',
  message: 'Nothing was read for a minute: connect again with the last id',
};

export class EventBridge {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #socket: WebSocket;
  readonly #encoder = new TextEncoder();
  readonly #ticks: ReturnType<typeof setInterval>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #received = 0;
  #acked = 0;
  #unanswered = 0;
  #unread = 0;
  #isOver = false;

  /** @param socket a subscription, accepted by the caller. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        // Called whenever there is room: everything before was read.
        pull: () => this.#wasRead(),
        cancel: () => this.#over(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
    );
    socket.addEventListener('message', ({ data }) => this.#hear(data));
    socket.addEventListener('close', () => this.#end(GONE));
    socket.addEventListener('error', () => this.#end(GONE));
    this.#ticks = setInterval(() => this.#tick(), KEEP_ALIVE_MS);
  }

  /** The reader has gone. */
  leave(): void {
    this.#over();
  }

  #hear(data: unknown): void {
    if (this.#isOver || typeof data !== 'string') return;
    this.#unanswered = 0;
    if (data === UPLINK_PONG) return;
    this.#received += data.length;
    const event = sseOf(data);
    if (event === undefined) return;
    this.#write(event.text);
    if (event.kind === 'stream.end') this.#close();
  }

  #wasRead(): void {
    this.#unread = 0;
    if (this.#isOver || this.#received - this.#acked < ACK_EVERY) return;
    this.#acked = this.#received;
    this.#say(`${EVENTS_ACK}${this.#received}`);
  }

  #tick(): void {
    if (this.#unanswered >= PATIENCE_TICKS) return this.#end(GONE);
    this.#unanswered += 1;
    this.#say(UPLINK_PING);
    if ((this.#controller?.desiredSize ?? 0) > 0) return this.#write(EVENTS_KEEP_ALIVE);
    this.#unread += 1;
    if (this.#unread >= PATIENCE_TICKS) this.#end(SLOW);
  }

  /** Says why, and closes. */
  #end(end: StreamEnd): void {
    if (this.#isOver) return;
    const event = sseOf(endBody(end, isoTime(Date.now())));
    if (event !== undefined) this.#write(event.text);
    this.#close();
  }

  #close(): void {
    this.#controller?.close();
    this.#over();
  }

  #write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }

  #say(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#ticks);
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000, 'The reader has gone');
  }
}

// Owns the stream of one reader that follows a log: events in, bytes out, bounded where the reader is slower than the log.

import { FOLLOW_MAX_MS, type LogEnd } from '../../../contract/logs.ts';
import { droppedEvent, endEvent, KEEP_ALIVE, logEvent } from '../../domain/log-events.ts';

const KEEP_ALIVE_MS = 15_000;
/** What waits here for a slow reader; lines beyond it are left out, and counted. */
const BUFFER_BYTES = 256 * 1024;
/** The node ends a follow itself; this is for one that does not. */
const ENDS_AFTER_MS = FOLLOW_MAX_MS + 60_000;

export type LogStreamOptions = {
  /** Every 15 s: why the stream has to end, where it has. */
  look: () => LogEnd | undefined;
  /** The stream is over, by the reader or by this side. */
  onOver: () => void;
};

export class LogStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #options: LogStreamOptions;
  readonly #encoder = new TextEncoder();
  readonly #ticks: ReturnType<typeof setInterval>;
  readonly #limit: ReturnType<typeof setTimeout>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #lastId = 0;
  #dropped = 0;
  #isOver = false;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#over(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: BUFFER_BYTES }),
    );
    this.#ticks = setInterval(() => this.#tick(), KEEP_ALIVE_MS);
    this.#limit = setTimeout(() => {
      this.end({ reason: 'limit', message: 'Followed for as long as it may be; ask again to go on' });
    }, ENDS_AFTER_MS);
  }

  lines(lines: readonly string[], droppedBefore: number): void {
    if (this.#isOver) return;
    this.#dropped += droppedBefore;
    this.#lastId += droppedBefore;
    if (!this.#hasRoom()) {
      this.#dropped += lines.length;
      this.#lastId += lines.length;
      return;
    }
    const events = lines.map((line) => logEvent((this.#lastId += 1), line)).join('');
    this.#write(`${this.#takeDropped()}${events}`);
  }

  /** Says why, and closes. */
  end(end: LogEnd): void {
    if (this.#isOver) return;
    this.#write(`${this.#takeDropped()}${endEvent(end)}`);
    this.#controller?.close();
    this.#over();
  }

  /** The reader has gone. */
  leave(): void {
    this.#over();
  }

  #tick(): void {
    const end = this.#options.look();
    if (end !== undefined) return this.end(end);
    if (this.#hasRoom()) this.#write(`${this.#takeDropped()}${KEEP_ALIVE}`);
  }

  #hasRoom(): boolean {
    return (this.#controller?.desiredSize ?? 0) > 0;
  }

  #takeDropped(): string {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped === 0 ? '' : droppedEvent(dropped);
  }

  #write(text: string): void {
    if (text !== '') this.#controller?.enqueue(this.#encoder.encode(text));
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#ticks);
    clearTimeout(this.#limit);
    this.#options.onOver();
  }
}

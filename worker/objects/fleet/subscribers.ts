// Owns the WebSockets of those who subscribe to events: what each wants, how far it is, and the end of those that are
// slower than what happens. Each carries that in its attachment, so that Fleet may sleep.

import * as v from 'valibot';
import {
  CLOSE_SILENT_READER,
  CLOSE_SLOW_READER,
  EVENTS_ACK,
  EVENTS_SILENCE_MAX_MS,
  EVENTS_WINDOW,
} from '../../../contract/events.ts';
import { UPLINK_PING, UPLINK_PONG } from '../../../contract/frames.ts';
import { admits } from '../../domain/event-stream.ts';
import { endBody, numbered } from '../../domain/event-text.ts';
import { isoTime } from '../../domain/freshness.ts';
import type { EventLog } from '../store/event-log.ts';

const TAG = 'events';

/** Backlog is read in pages, and no further than half of what may be under way: the rest is for what happens now. */
const PAGE_ROWS = 200;
const BACKLOG_WINDOW = EVENTS_WINDOW / 2;

/** Close codes of the protocol itself. */
const CLOSE_INTERNAL = 1011;

const ReaderSchema = v.object({
  prefixes: v.optional(v.array(v.string())),
  openedAt: v.number(),
  /** The lengths of all messages to it, and what it said it has dealt with. */
  sent: v.number(),
  acked: v.number(),
  /** The last event of the log that it was sent or that it does not want; null once it hears what happens at once. */
  position: v.nullable(v.number()),
});
type Reader = v.InferOutput<typeof ReaderSchema>;

export class Subscribers {
  readonly #state: DurableObjectState;
  readonly #log: EventLog;
  readonly #readers = new Map<WebSocket, Reader>();

  constructor(state: DurableObjectState, log: EventLog) {
    this.#state = state;
    this.#log = log;
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(UPLINK_PING, UPLINK_PONG));
    for (const socket of state.getWebSockets(TAG)) this.#recall(socket);
  }

  get count(): number {
    return this.#readers.size;
  }

  /** True where somebody wants events of the kind. */
  wants(kind: string): boolean {
    return [...this.#readers.values()].some(({ prefixes }) => admits(prefixes, kind));
  }

  /** Takes a reader, tells it the messages, then what the log has after the position. */
  accept(
    socket: WebSocket,
    begin: { prefixes: string[] | undefined; position: number; messages: readonly string[]; now: number },
  ): void {
    this.#state.acceptWebSocket(socket, [TAG]);
    const { prefixes, position, messages, now } = begin;
    const reader = { ...(prefixes && { prefixes }), openedAt: now, sent: 0, acked: 0, position };
    this.#readers.set(socket, reader);
    for (const message of messages) this.#send(socket, reader, message);
    this.#readOn(socket, reader);
  }

  /** Sends what has just happened to all who want it and have heard everything before it. */
  send(kind: string, message: string, now: number): void {
    for (const [socket, reader] of this.#readers) {
      if (reader.position !== null || !admits(reader.prefixes, kind)) continue;
      if (reader.sent - reader.acked + message.length > EVENTS_WINDOW) this.#cutOff(socket, now);
      else {
        this.#send(socket, reader, message);
        socket.serializeAttachment(reader);
      }
    }
  }

  /** What a reader says: how much it has dealt with. */
  hear(socket: WebSocket, message: string | ArrayBuffer): void {
    const reader = this.#readers.get(socket);
    if (reader === undefined || typeof message !== 'string' || !message.startsWith(EVENTS_ACK)) return;
    const acked = Number(message.slice(EVENTS_ACK.length));
    if (!Number.isSafeInteger(acked) || acked <= reader.acked || acked > reader.sent) return;
    reader.acked = acked;
    if (reader.position === null) socket.serializeAttachment(reader);
    else this.#readOn(socket, reader);
  }

  drop(socket: WebSocket): void {
    this.#readers.delete(socket);
  }

  /** Ends those of whom nothing was heard for too long: a peer that vanished closes nothing. */
  closeSilent(now: number): void {
    for (const [socket, { openedAt }] of this.#readers) {
      const heardAt = this.#state.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? openedAt;
      if (now - heardAt < EVENTS_SILENCE_MAX_MS) continue;
      this.#close(socket, CLOSE_SILENT_READER, 'Say "ping" once in a minute');
    }
  }

  /** Reads the log on for a reader that is behind, as far as it may be told without an answer. */
  #readOn(socket: WebSocket, reader: Reader): void {
    while (reader.position !== null && reader.sent - reader.acked < BACKLOG_WINDOW) {
      const page = this.#log.after(reader.position, PAGE_ROWS);
      for (const { id, kind, body } of page) {
        if (reader.sent - reader.acked >= BACKLOG_WINDOW) break;
        if (admits(reader.prefixes, kind)) this.#send(socket, reader, numbered(id, body));
        reader.position = id;
      }
      if (page.length === 0) reader.position = null;
    }
    socket.serializeAttachment(reader);
  }

  #send(socket: WebSocket, reader: Reader, message: string): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    socket.send(message);
    reader.sent += message.length;
  }

  #cutOff(socket: WebSocket, now: number): void {
    const message = 'More happened than was read: connect again with the last id';
    if (socket.readyState === WebSocket.OPEN) {
      socket.send(endBody({ reason: 'slow-reader', message }, isoTime(now)));
    }
    this.#close(socket, CLOSE_SLOW_READER, 'Slower than what happens');
  }

  #close(socket: WebSocket, code: number, reason: string): void {
    this.drop(socket);
    if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
  }

  #recall(socket: WebSocket): void {
    const attachment: unknown = socket.deserializeAttachment();
    const parsed = v.safeParse(ReaderSchema, attachment);
    if (parsed.success) {
      if (socket.readyState === WebSocket.OPEN) this.#readers.set(socket, parsed.output);
      return;
    }
    console.error('Closed a subscription whose attachment cannot be read');
    socket.close(CLOSE_INTERNAL, 'Connect again');
  }
}

// Owns one WebSocket to the hub's events: what came is told and acknowledged, and one that fell silent is ended.

import * as v from 'valibot';
import {
  EventSchema,
  EVENTS_ACK,
  EVENTS_PROTOCOL,
  EVENTS_WINDOW,
  type Event,
} from '../../contract/events.ts';

/** All but `runtime.health`, which would tell each snapshot a second time. */
const KINDS = [
  'state.read.model.patch',
  'runtime.state.',
  'runtime.restore.',
  'runtime.claim.',
  'jobs.',
  'models.',
  'node.',
  'actions.',
  'leases.',
  'policy.',
];
const REPLAY = 100;
const ACK_EVERY = EVENTS_WINDOW / 8;
const PING_EVERY_MS = 20_000;
/** Two pings without any answer. */
const SILENCE_MAX_MS = 50_000;

const MessageSchema = v.pipe(v.string(), v.parseJson(), EventSchema);

export type SocketNews = { opened(): void; event(event: Event): void; closed(): void };

export class EventSocket {
  readonly #socket: WebSocket;
  readonly #news: SocketNews;
  readonly #pings: ReturnType<typeof setInterval>;
  #received = 0;
  #acked = 0;
  #heardAtMs = performance.now();
  #isOver = false;

  /** @param after the id of the last event that was heard. */
  constructor(after: string | undefined, news: SocketNews) {
    this.#news = news;
    const begin = after === undefined ? `replay=${REPLAY}` : `after=${after}`;
    const url = new URL(`events?prefix=${KINDS.join(',')}&${begin}`, document.baseURI);
    url.hash = '';
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#socket = new WebSocket(url, EVENTS_PROTOCOL);
    this.#socket.addEventListener('open', () => this.#news.opened());
    this.#socket.addEventListener('message', ({ data }) => this.#hear(data));
    this.#socket.addEventListener('close', () => this.end());
    this.#pings = setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#pings);
    this.#socket.close();
    this.#news.closed();
  }

  #hear(data: unknown): void {
    this.#heardAtMs = performance.now();
    if (this.#isOver || typeof data !== 'string' || data === 'pong') return;
    this.#received += data.length;
    const event = v.safeParse(MessageSchema, data);
    if (event.success) this.#news.event(event.output);
    if (this.#received - this.#acked < ACK_EVERY) return;
    this.#acked = this.#received;
    this.#socket.send(`${EVENTS_ACK}${this.#received}`);
  }

  #ping(): void {
    if (performance.now() - this.#heardAtMs > SILENCE_MAX_MS) this.end();
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send('ping');
  }
}

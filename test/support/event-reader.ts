// Owns a subscriber of a test: real server-sent events over HTTP, or the WebSocket, with what came kept in order.

import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { EventSchema, EVENTS_PROTOCOL, type Event } from '../../contract/events.ts';
import { eventually } from './eventually.ts';
import { ADMIN_TOKEN } from './hub.ts';

type Wanted = { query?: string; headers?: Record<string, string>; token?: string };

abstract class Reader {
  readonly events: Event[] = [];

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind);
  }

  of(kind: string): Event[] {
    return this.events.filter((event) => event.kind === kind);
  }

  /** The first event of a kind that is as wanted, once it is there. */
  async next(kind: string, isWanted: (payload: Event['payload']) => boolean = () => true): Promise<Event> {
    return eventually(`an event ${kind}`, () => this.of(kind).find(({ payload }) => isWanted(payload)));
  }
}

export class SseReader extends Reader {
  readonly response: IncomingMessage;
  readonly comments: string[] = [];
  bytes = 0;
  /** Resolves when the stream is over: in good order, or cut. */
  readonly over: Promise<'ended' | 'cut'>;
  readonly #request: ClientRequest;

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    super();
    this.#request = sent;
    this.response = response;
    const parser = createParser({
      onEvent: ({ event, id, data }) => {
        const heard = v.parse(EventSchema, { ...(id !== undefined && { id }), ...Object(JSON.parse(data)) });
        if (heard.kind !== event) throw new Error(`an event ${event} that says that it is ${heard.kind}`);
        this.events.push(heard);
      },
      onComment: (comment) => void this.comments.push(comment),
    });
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      this.bytes += text.length;
      parser.feed(text);
    });
    this.over = new Promise((resolve) => {
      response.once('end', () => resolve('ended'));
      response.once('error', () => resolve('cut'));
    });
    onTestFinished(() => this.leave());
  }

  /** Resolves with the answer's head: from then on nothing is missed. */
  static open(hub: URL, { query = '', headers = {}, token = ADMIN_TOKEN }: Wanted = {}): Promise<SseReader> {
    const sent = request(new URL(`/events${query}`, hub), {
      agent: false,
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    // A reader that leaves resets its own line.
    sent.on('error', () => undefined);
    sent.end();
    return new Promise((resolve, reject) => {
      sent.once('response', (response) => {
        if (response.statusCode === 200) resolve(new SseReader(sent, response));
        else reject(new Error(`/events${query} was answered ${response.statusCode}`));
      });
    });
  }

  /** Reads nothing from now on, as a host that hangs. */
  stall(): void {
    this.response.pause();
  }

  leave(): void {
    this.#request.destroy();
  }
}

export class SocketReader extends Reader {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  /** The lengths of all messages. */
  received = 0;

  private constructor(socket: WebSocket, acks: boolean) {
    super();
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('message', (data) => {
      const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
      if (text === 'pong') return;
      this.received += text.length;
      if (acks) socket.send(`ack ${this.received}`);
      this.events.push(v.parse(EventSchema, JSON.parse(text)));
    });
    onTestFinished(() => socket.terminate());
  }

  /** @param acks whether it says what it has dealt with, after each message. */
  static async open(
    hub: URL,
    {
      query = '',
      token = ADMIN_TOKEN,
      protocols = [EVENTS_PROTOCOL],
      acks = false,
    }: Wanted & { protocols?: string[]; acks?: boolean } = {},
  ): Promise<SocketReader> {
    const url = new URL(`/events${query}`, hub);
    url.protocol = 'ws:';
    const socket = new WebSocket(url, protocols, { headers: { authorization: `Bearer ${token}` } });
    const reader = new SocketReader(socket, acks);
    await once(socket, 'open');
    return reader;
  }
}

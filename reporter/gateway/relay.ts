// Owns one exchange between a client and a runtime: the body goes on, the answer comes back, byte for byte and as it
// comes. Either side's end ends the other. Nothing is ever sent twice.

import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { codeOf, messageOf } from '../errors.ts';
import { BODY_MAX_BYTES } from './body-start.ts';
import { responseHeaders } from './headers.ts';
import type { NamedOnce } from './named-once.ts';

/** On loopback a server that is there answers in microseconds; one on another host that takes longer is away. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * How an exchange ended. Only after `unreachable`, `failed`, `too-large` and `named-twice` is there still an answer to
 * give.
 */
export type Relayed =
  /** Nothing was sent: another runtime may be asked. */
  | { kind: 'unreachable'; reason: string }
  | { kind: 'failed'; reason: string }
  | { kind: 'too-large' }
  /** It names its model twice; not all of it was sent, so nobody can have acted on it. */
  | { kind: 'named-twice' }
  | { kind: 'answered'; status: number; firstByteMs: number | undefined; isStream: boolean }
  /** The runtime died within its answer, and the client was made to see it. */
  | { kind: 'cut'; reason: string }
  | { kind: 'client-gone' };

export type Exchange = {
  /** Paused, its start read already. */
  request: IncomingMessage;
  response: ServerResponse;
  /** Opened, nothing written. */
  upstream: ClientRequest;
  start: Buffer;
  /** Whether `start` is the whole body. */
  ended: boolean;
  /** Where it matters: asked with every piece of the body that follows `start`, before that is sent. */
  namedOnce: NamedOnce | undefined;
  /** Put before the headers of the answer, names and values alternating. */
  ownHeaders: readonly string[];
};

export function relay(exchange: Exchange): Promise<Relayed> {
  return new Promise((resolve) => new Relay(exchange, resolve).begin());
}

class Relay {
  readonly #exchange: Exchange;
  readonly #resolve: (relayed: Relayed) => void;
  #settled = false;
  #connected = false;
  #connecting: NodeJS.Timeout | undefined;
  #isAnswered = false;
  #sentBytes = 0;
  #firstByteMs: number | undefined;
  /** The client sees an answer, so a failure can no longer be told as one. */
  #begun = false;

  constructor(exchange: Exchange, resolve: (relayed: Relayed) => void) {
    this.#exchange = exchange;
    this.#resolve = resolve;
  }

  begin(): void {
    const { request, response, upstream, start, ended } = this.#exchange;
    // Stays when all is over: an error without a listener would end the reporter.
    upstream.on('error', this.#upstreamError);
    if (response.destroyed) return this.#clientGone();
    response.on('close', this.#clientGone);
    upstream.on('socket', (socket) => this.#onSocket(socket));
    upstream.on('response', (answer) => this.#onAnswer(answer));
    upstream.on('close', this.#upstreamClosed);
    this.#sentBytes = start.length;
    if (ended) {
      upstream.end(start);
      // What is left to read is its end.
      request.resume();
    } else {
      upstream.write(start);
    }
  }

  #onSocket(socket: Socket): void {
    if (!socket.connecting) return this.#onConnected();
    this.#connecting = setTimeout(
      () => socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('connect', () => this.#onConnected());
  }

  /** From here on something may have been sent. Only now is the rest of the body read: until here nothing of it is lost. */
  #onConnected(): void {
    this.#connected = true;
    clearTimeout(this.#connecting);
    const { request, upstream, ended } = this.#exchange;
    if (ended || this.#settled) return;
    request.on('data', this.#onBody);
    request.on('end', this.#onBodyEnd);
    upstream.on('drain', () => request.resume());
    request.resume();
  }

  readonly #onBody = (chunk: Buffer): void => {
    const { request, upstream, namedOnce } = this.#exchange;
    this.#sentBytes += chunk.length;
    if (this.#sentBytes > BODY_MAX_BYTES) return this.#end({ kind: 'too-large' });
    if (namedOnce?.(chunk) === false) return this.#end({ kind: 'named-twice' });
    if (!upstream.write(chunk)) request.pause();
  };

  readonly #onBodyEnd = (): void => {
    this.#exchange.upstream.end();
  };

  #onAnswer(answer: IncomingMessage): void {
    this.#isAnswered = true;
    const { response } = this.#exchange;
    const isStream = /^text\/event-stream\b/i.test(answer.headers['content-type'] ?? '');
    const status = answer.statusCode ?? 502;
    // With the first bytes of the body, if they are there already: one packet instead of two.
    const beginning = setImmediate(() => {
      if (this.#beginAnswer(answer)) response.flushHeaders();
    });
    answer.on('data', (chunk: Buffer) => {
      this.#firstByteMs ??= performance.now();
      if (this.#beginAnswer(answer) && !response.write(chunk)) answer.pause();
    });
    response.on('drain', () => answer.resume());
    answer.on('end', () => {
      if (!this.#beginAnswer(answer)) return;
      response.end();
      this.#settle({ kind: 'answered', status, firstByteMs: this.#firstByteMs, isStream });
      // Answered before all was sent: the rest is read, so that the next request on this connection is found.
      if (!this.#exchange.request.complete) this.#exchange.request.resume();
    });
    // Whatever the error was, `close` follows, and says whether the answer was whole.
    answer.on('error', () => undefined);
    answer.on('close', () => {
      clearImmediate(beginning);
      if (!answer.complete) this.#cut();
    });
  }

  /** False where the client is to see nothing of it. */
  #beginAnswer(answer: IncomingMessage): boolean {
    if (this.#settled) return false;
    if (this.#begun) return true;
    const { response, ownHeaders } = this.#exchange;
    const headers = [...ownHeaders, ...responseHeaders(answer.rawHeaders)];
    response.sendDate = answer.headers.date === undefined;
    try {
      // In our own words for the status: what a runtime writes there need not be fit to be sent.
      response.writeHead(answer.statusCode ?? 502, headers);
    } catch (error) {
      // This runs in a listener, where an error would end the reporter.
      this.#end({
        kind: 'failed',
        reason: `its answer is no HTTP that can be passed on (${messageOf(error)})`,
      });
      return false;
    }
    this.#begun = true;
    return true;
  }

  /** Without an answer and without an error: it wanted another protocol. */
  readonly #upstreamClosed = (): void => {
    if (!this.#isAnswered)
      this.#end({ kind: 'failed', reason: 'it closed the connection without an answer' });
  };

  readonly #upstreamError = (error: Error): void => {
    const reason = wordsFor(error);
    if (this.#begun) return this.#cut();
    this.#end(this.#connected ? { kind: 'failed', reason } : { kind: 'unreachable', reason });
  };

  /** The runtime died within its answer: the client must not take what it has for the whole. */
  #cut(): void {
    if (this.#settled) return;
    const reason = 'its connection closed within the answer';
    if (!this.#begun) return this.#end({ kind: 'failed', reason });
    const { request, response } = this.#exchange;
    this.#end({ kind: 'cut', reason });
    // An HTTP/1.0 client knows the end of an answer by the end of the connection; only a reset is none.
    if (request.httpVersion === '1.0') request.socket.resetAndDestroy();
    else response.destroy();
  }

  /** The engine stops generating when its client goes; it must hear of it now. */
  readonly #clientGone = (): void => {
    this.#end({ kind: 'client-gone' });
  };

  #end(relayed: Relayed): void {
    if (this.#settled) return;
    this.#settle(relayed);
    this.#exchange.upstream.destroy();
  }

  #settle(relayed: Relayed): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#connecting);
    const { request, response } = this.#exchange;
    response.off('close', this.#clientGone);
    request.off('data', this.#onBody).off('end', this.#onBodyEnd);
    this.#resolve(relayed);
  }
}

function wordsFor(error: Error): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'it closed the connection' : messageOf(error);
}

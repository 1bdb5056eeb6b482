// Owns one exchange between a client and a runtime: the body goes on, the answer comes back, byte for byte and as it
// comes. Either side's end ends the other. Nothing is ever sent twice.

import { codeOf, messageOf } from '../errors.ts';
import { AnswerParser, type AnswerHead } from './answer-parser.ts';
import { AnswerWriter } from './answer-writer.ts';
import { BODY_MAX_BYTES } from './body-start.ts';
import type { Exchange, Relayed } from './exchange.ts';
import { headerOf, responseHeaders } from './headers.ts';

/** On loopback a server that is there answers in microseconds; one on another host that takes longer is away. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * The head of an answer waits so long for the first bytes of its body: one packet instead of two, and nothing to do while
 * the engine works on the first token. A client that waits for the head alone hears of it soon enough.
 */
const HEAD_WAITS_MS = 20;

const CLOSED_EARLY = 'its connection closed within the answer';

export function relay(exchange: Exchange): Promise<Relayed> {
  return new Promise((resolve) => new Relay(exchange, resolve).begin());
}

class Relay {
  readonly #exchange: Exchange;
  readonly #resolve: (relayed: Relayed) => void;
  readonly #parser = new AnswerParser({
    onHead: (head) => {
      this.#head = head;
    },
    onBody: (bytes) => {
      this.#parts.push(bytes);
    },
  });
  readonly #writer: AnswerWriter;
  /** Of the body, not told yet. */
  readonly #parts: Buffer[] = [];
  #settled = false;
  #connected = false;
  #connecting: NodeJS.Timeout | undefined;
  #head: AnswerHead | undefined;
  #headWaiting: NodeJS.Timeout | undefined;
  #sentBytes = 0;
  #firstByteMs: number | undefined;
  /** The client sees an answer, so a failure can no longer be told as one. */
  #begun = false;

  constructor(exchange: Exchange, resolve: (relayed: Relayed) => void) {
    this.#exchange = exchange;
    this.#resolve = resolve;
    this.#writer = new AnswerWriter(exchange.response);
  }

  begin(): void {
    const { request, response, upstream, start, ended } = this.#exchange;
    const { socket } = upstream;
    // Stays when all is over: an error without a listener would end the reporter.
    socket.on('error', this.#upstreamError);
    if (response.destroyed) return this.#clientGone();
    response.on('close', this.#clientGone);
    response.on('drain', this.#clientHasRoom);
    request.socket.on('drain', this.#clientHasRoom);
    socket.on('data', this.#onAnswer);
    socket.on('end', this.#upstreamEnded);
    socket.on('close', this.#upstreamEnded);
    socket.once(upstream.connectedEvent, this.#onConnected);
    this.#connecting = setTimeout(
      () => socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS} ms`)),
      CONNECT_TIMEOUT_MS,
    );
    this.#sentBytes = start.length;
    upstream.begin(start);
    // What is left to read is its end.
    if (ended) request.resume();
  }

  readonly #clientHasRoom = (): void => {
    this.#exchange.upstream.socket.resume();
  };

  /** From here on something may have been sent. Only now is the rest of the body read: until here nothing of it is lost. */
  readonly #onConnected = (): void => {
    this.#connected = true;
    clearTimeout(this.#connecting);
    const { request, upstream, ended } = this.#exchange;
    if (ended || this.#settled) return;
    request.on('data', this.#onBody);
    request.on('end', this.#onBodyEnd);
    upstream.socket.on('drain', () => request.resume());
    request.resume();
  };

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

  readonly #onAnswer = (bytes: Buffer): void => {
    if (this.#settled) return;
    const fault = this.#parser.push(bytes);
    const head = this.#head;
    if (head !== undefined && this.#parts.length > 0) this.#tellBody(head);
    if (fault !== undefined) return this.#cut(fault);
    if (head === undefined) return;
    if (this.#parser.isDone) this.#tellEnd(head);
    else if (!this.#begun) this.#headWaiting ??= setTimeout(this.#tellHead, HEAD_WAITS_MS);
  };

  readonly #tellHead = (): void => {
    if (this.#head !== undefined && !this.#begun && this.#beginAnswer(this.#head)) this.#writer.flush();
  };

  #tellBody(head: AnswerHead): void {
    this.#firstByteMs ??= performance.now();
    const parts = this.#parts.splice(0);
    if (this.#beginAnswer(head) && !this.#writer.write(parts)) this.#exchange.upstream.socket.pause();
  }

  #tellEnd(head: AnswerHead): void {
    if (!this.#beginAnswer(head)) return;
    const { request, upstream } = this.#exchange;
    this.#writer.end();
    const isStream = /^text\/event-stream\b/i.test(headerOf(head.rawHeaders, 'content-type') ?? '');
    this.#settle({ kind: 'answered', status: head.status, firstByteMs: this.#firstByteMs, isStream });
    upstream.socket.destroy();
    // Answered before all was sent: the rest is read, so that the next request on this connection is found.
    if (!request.complete) request.resume();
  }

  /** False where the client is to see nothing of it. */
  #beginAnswer({ status, rawHeaders }: AnswerHead): boolean {
    if (this.#settled) return false;
    if (this.#begun) return true;
    const { response, ownHeaders } = this.#exchange;
    const headers = [...ownHeaders, ...responseHeaders(rawHeaders)];
    response.sendDate = headerOf(rawHeaders, 'date') === undefined;
    try {
      // In our own words for the status: what a runtime writes there need not be fit to be sent.
      response.writeHead(status, headers);
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

  /** Closed in order, or after an error that was told already. */
  readonly #upstreamEnded = (): void => {
    if (this.#settled) return;
    if (this.#head !== undefined && this.#parser.close()) this.#tellEnd(this.#head);
    else this.#cut(CLOSED_EARLY);
  };

  readonly #upstreamError = (error: Error): void => {
    const reason = wordsFor(error);
    if (this.#begun) return this.#cut(CLOSED_EARLY);
    this.#end(this.#connected ? { kind: 'failed', reason } : { kind: 'unreachable', reason });
  };

  /** What came is not the whole answer: where the client has a part of it, it must not take that for the whole. */
  #cut(reason: string): void {
    if (this.#settled) return;
    if (!this.#begun) {
      const isSilent = this.#head === undefined && reason === CLOSED_EARLY;
      return this.#end({
        kind: 'failed',
        reason: isSilent ? 'it closed the connection without an answer' : reason,
      });
    }
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
    this.#exchange.upstream.socket.destroy();
  }

  #settle(relayed: Relayed): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#connecting);
    clearTimeout(this.#headWaiting);
    const { request, response } = this.#exchange;
    response.off('close', this.#clientGone);
    request.socket.off('drain', this.#clientHasRoom);
    request.off('data', this.#onBody).off('end', this.#onBodyEnd);
    this.#resolve(relayed);
  }
}

function wordsFor(error: Error): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'connection refused';
  return code === 'ECONNRESET' || code === 'EPIPE' ? 'it closed the connection' : messageOf(error);
}

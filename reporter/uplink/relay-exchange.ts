// Owns one relayed exchange on this host: a request at the door of its gateway, the body as it comes from the hub, the
// answer as the engine gives it. No more of either is held than the windows allow.

import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeFrame } from '../../contract/frames.ts';
import { ReceiveCredit } from '../../contract/relay-credit.ts';
import type { RelayOpen } from '../../contract/relay.ts';
import { spokenLine } from '../../contract/status.ts';
import { AnswerParser, type AnswerHead } from '../gateway/answer-parser.ts';
import { AnswerWay, type UploadPace } from './answer-way.ts';
import type { RelayOutbox } from './relay-outbox.ts';
import type { RelayUploads } from './relay-uploads.ts';

/** They speak of one connection, of its framing, or of who asks: the door is another connection, and we ask there. */
const NOT_PASSED = new Set([
  'authorization',
  'connection',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const NOT_TOLD = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer']);

export type RelayFault = { reason: string; message: string };

const UPLOAD_BROKEN: RelayFault = {
  reason: 'upload-broken',
  message: 'The way to the hub broke off within the answer; ask again',
};

export type RelayExchangeOptions = {
  open: RelayOpen;
  /** A connection to the gateway's door, within this process. */
  door: Duplex;
  /** The gateway's own key, where it asks for one. */
  apiKey: string | undefined;
  outbox: RelayOutbox;
  uploads: RelayUploads;
  pace: UploadPace;
  send: (frame: NodeFrame) => void;
  /** Once, however it ended. */
  onOver: () => void;
};

export class RelayExchange {
  readonly #options: RelayExchangeOptions;
  readonly #way: AnswerWay;
  readonly #parser: AnswerParser;
  readonly #received = new ReceiveCredit();
  /** The head of the request: it is written with the first bytes of the body. */
  #head: string;
  readonly #isChunked: boolean;
  /** Of the body: written to the door, and not granted anew since the door takes no more now. */
  #unread = 0;
  #isOver = false;

  /** @throws where the opening is no request that can be made. */
  constructor(options: RelayExchangeOptions) {
    this.#options = options;
    const { open, door, apiKey, outbox, uploads, pace, send } = options;
    const { stream } = open;
    this.#isChunked = open.headers['content-length'] === undefined;
    this.#head = headOf(open, apiKey, this.#isChunked);
    this.#way = new AnswerWay({
      stream,
      outbox,
      uploads,
      pace,
      onRoom: () => door.resume(),
      onMoved: () => send({ type: 'relay.moved', stream }),
      onBroken: () => this.#end(UPLOAD_BROKEN),
    });
    this.#parser = new AnswerParser({
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => {
        if (!this.#way.push(bytes)) door.pause();
      },
    });
    door.on('drain', () => this.#readOn());
    door.on('data', (bytes: Buffer) => this.#onAnswer(bytes));
    door.on('end', () => this.#onClosed());
    // An error is followed by it.
    door.on('error', () => undefined);
    door.on('close', () => this.#onClosed());
  }

  /** A part of the request's body. */
  body(payload: Uint8Array, isLast: boolean): void {
    if (this.#isOver) return;
    if (!this.#received.receive(payload.byteLength)) {
      return this.#end({
        reason: 'window-exceeded',
        message: 'The hub sent more of the body than was granted',
      });
    }
    this.#unread += payload.byteLength;
    const parts = [Buffer.from(this.#head, 'latin1'), ...this.#framed(payload, isLast)];
    this.#head = '';
    if (this.#options.door.write(Buffer.concat(parts))) this.#readOn();
  }

  /** The hub has read so much of the answer. */
  granted(bytes: number): void {
    this.#way.granted(bytes);
  }

  /** The hub has an upload of the answer in its hands. */
  uploadTaken(): void {
    this.#way.taken();
  }

  /** The reporter ends: whoever waits is told why nothing follows. */
  breakOff(fault: RelayFault): void {
    this.#way.breakOff();
    this.#end(fault);
  }

  /** Nobody waits for the answer: the engine hears of it at once, the hub of nothing more. */
  cancel(): void {
    this.#over();
  }

  #framed(payload: Uint8Array, isLast: boolean): Uint8Array[] {
    if (!this.#isChunked) return [payload];
    const size = payload.byteLength.toString(16);
    const chunk = payload.byteLength === 0 ? [] : [Buffer.from(`${size}\r\n`), payload, Buffer.from('\r\n')];
    return isLast ? [...chunk, Buffer.from('0\r\n\r\n')] : chunk;
  }

  #readOn(): void {
    const bytes = this.#received.read(this.#unread);
    this.#unread = 0;
    if (bytes > 0) this.#options.outbox.say({ kind: 'credit', stream: this.#options.open.stream, bytes });
  }

  #onAnswer(bytes: Buffer): void {
    if (this.#isOver) return;
    const fault = this.#parser.push(bytes);
    this.#way.wake();
    if (this.#parser.isDone) this.#way.end(() => this.#end());
    else if (fault !== undefined) this.#fail(`the gateway answered no HTTP: ${fault}`);
  }

  #onHead({ status, rawHeaders }: AnswerHead): void {
    const headers: Record<string, string> = {};
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]?.toLowerCase() ?? '';
      const value = rawHeaders[at + 1] ?? '';
      const earlier = headers[name];
      if (!NOT_TOLD.has(name)) headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
    }
    this.#options.send({ type: 'relay.head', stream: this.#options.open.stream, status, headers });
    const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
    if (isStream && status >= 200 && status <= 299) this.#way.flows();
  }

  #onClosed(): void {
    if (this.#parser.close()) this.#way.end(() => this.#end());
    else this.#fail('the runtime broke off its answer');
  }

  /** What had come by then is sent before. */
  #fail(what: string): void {
    this.#way.end(() => this.#end({ reason: 'runtime-failed', message: spokenLine(what) }));
  }

  #end(fault?: RelayFault): void {
    if (this.#isOver) return;
    const { stream } = this.#options.open;
    this.#options.send(
      fault === undefined
        ? { type: 'relay.end', stream, ok: true }
        : { type: 'relay.end', stream, ok: false, error: fault },
    );
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { door, onOver } = this.#options;
    this.#way.drop();
    door.destroy();
    onOver();
  }
}

/** @throws where a part of it cannot stand in a head. */
function headOf(
  { method, path, headers }: RelayOpen,
  apiKey: string | undefined,
  isChunked: boolean,
): string {
  if (!/^[\x21-\x7e]+$/.test(path)) throw new Error('The path holds what no path may hold');
  const all = [
    ...Object.entries(headers).filter(([name]) => !NOT_PASSED.has(name.toLowerCase())),
    ['host', '127.0.0.1'],
    ['connection', 'close'],
    ...(isChunked ? [['transfer-encoding', 'chunked']] : []),
    ...(apiKey === undefined ? [] : [['authorization', `Bearer ${apiKey}`]]),
  ];
  const lines = all.map(([name = '', value = '']) => {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return `${name}: ${value}\r\n`;
  });
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

// Owns one relayed exchange on this host: a request at the door of its gateway, the body as it comes from the hub, the
// answer as the engine gives it. No more of either is held than the windows allow.

import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeFrame } from '../../contract/frames.ts';
import { ReceiveCredit } from '../../contract/relay-credit.ts';
import type { RelayOpen } from '../../contract/relay.ts';
import { spokenLine } from '../../contract/status.ts';
import { messageOf } from '../errors.ts';
import { RelayQueue, type RelayOutbox } from './relay-outbox.ts';

/** They speak of one connection or of who asks: the door is another connection, and we are who asks there. */
const NOT_PASSED = new Set([
  'authorization',
  'connection',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
]);
const NOT_TOLD = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer']);

export type RelayFault = { reason: string; message: string };

export type RelayExchangeOptions = {
  open: RelayOpen;
  /** A connection to the gateway's door, within this process. */
  door: Duplex;
  /** The gateway's own key, where it asks for one. */
  apiKey: string | undefined;
  outbox: RelayOutbox;
  send: (frame: NodeFrame) => void;
  /** Once, however it ended. */
  onOver: () => void;
};

export class RelayExchange {
  readonly #options: RelayExchangeOptions;
  readonly #queue: RelayQueue;
  readonly #request: ClientRequest;
  readonly #received = new ReceiveCredit();
  /** Of the body: written to the door, and not granted anew since the door takes no more now. */
  #unread = 0;
  #answer: IncomingMessage | undefined;
  #isOver = false;

  /** @throws where the opening is no request that can be made. */
  constructor(options: RelayExchangeOptions) {
    this.#options = options;
    const { open, door, apiKey } = options;
    this.#queue = new RelayQueue(open.stream, () => this.#answer?.resume());
    this.#request = request({
      createConnection: () => door,
      method: open.method,
      path: open.path,
      headers: {
        ...passed(open.headers, NOT_PASSED),
        host: '127.0.0.1',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
    });
    this.#request.on('drain', () => this.#readOn());
    this.#request.on('response', (answer) => this.#onAnswer(answer));
    this.#request.on('error', (error) => this.#fail(messageOf(error)));
    this.#request.on('close', () => this.#fail('the gateway closed the connection'));
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
    const isTaken = payload.byteLength === 0 || this.#request.write(payload);
    if (isLast) this.#request.end();
    if (isTaken) this.#readOn();
  }

  /** The hub has read so much of the answer. */
  granted(bytes: number): void {
    this.#queue.credit.grant(bytes);
    this.#options.outbox.wake(this.#queue);
  }

  /** Nobody waits for the answer: the engine hears of it at once, the hub of nothing more. */
  cancel(): void {
    this.#over();
  }

  #readOn(): void {
    const bytes = this.#received.read(this.#unread);
    this.#unread = 0;
    if (bytes > 0) this.#options.outbox.say({ kind: 'credit', stream: this.#queue.stream, bytes });
  }

  #onAnswer(answer: IncomingMessage): void {
    const { send, outbox } = this.#options;
    this.#answer = answer;
    send({
      type: 'relay.head',
      stream: this.#queue.stream,
      status: answer.statusCode ?? 502,
      headers: passed(answer.headers, NOT_TOLD),
    });
    answer.on('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      if (!this.#queue.push(chunk)) answer.pause();
      outbox.wake(this.#queue);
    });
    answer.on('end', () => this.#queue.end(() => this.#end()));
    // Its `close` says all there is to know.
    answer.on('error', () => undefined);
    answer.on('close', () => {
      if (!answer.complete) this.#fail('the runtime broke off its answer');
    });
  }

  /** What had come by then is sent before. */
  #fail(what: string): void {
    if (this.#isOver || this.#answer?.complete === true) return;
    this.#queue.end(() => this.#end({ reason: 'runtime-failed', message: spokenLine(what) }));
  }

  #end(fault?: RelayFault): void {
    if (this.#isOver) return;
    const { stream } = this.#queue;
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
    this.#options.outbox.drop(this.#queue);
    this.#request.destroy();
    this.#options.onOver();
  }
}

/** Lists become one line, as HTTP allows. */
function passed(
  headers: NodeJS.Dict<string | string[]>,
  dropped: ReadonlySet<string>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || dropped.has(name.toLowerCase()) ? [] : [[name, [value].flat().join(', ')]],
    ),
  );
}

// Owns one WebSocket to the hub from its opening to its end: hello, welcome, heartbeats, commands, and proof of life.

import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import {
  HubFrameSchema,
  UPLINK_PING,
  UPLINK_PONG,
  UPLINK_PROTOCOL,
  type HubFrame,
  type NodeFrame,
  type Welcome,
} from '../../contract/frames.ts';
import type { Command, CommandCancel } from '../../contract/command.ts';
import type { RelayOpen } from '../../contract/relay.ts';
import { codeOf } from '../errors.ts';
import { causeOf, faultOfAnswer, type HubFault } from './hub-http.ts';
import { boundedIntervalMs, type UplinkTiming } from './timing.ts';

/** Heartbeats are a few kB: this much unsent means that the line is stuck, and newer ones would only queue. */
const BUFFER_LIMIT_BYTES = 1024 * 1024;
/** What is live is worth less the later it comes. */
const LIVE_BUFFER_LIMIT_BYTES = 256 * 1024;

/** Who is told what concerns relayed requests. */
export type RelayEars = {
  open(frame: RelayOpen): void;
  cancel(stream: number): void;
  uploadTaken(stream: number): void;
  bytes(message: Uint8Array): void;
  /** The socket is no more. */
  gone(): void;
};

export type SocketSessionOptions = {
  url: URL;
  token: string;
  hello: Extract<NodeFrame, { type: 'hello' }>;
  /** The next snapshot, built when it is sent. */
  healthFrame: (wantAck: boolean) => string;
  onWelcome: (welcome: Welcome) => void;
  onAccepted: () => void;
  onCommand: (command: Command) => void;
  onCancel: (cancel: CommandCancel) => void;
  /** Absent where relayed requests are not taken: then the hub is not told that they are. */
  relay?: RelayEars | undefined;
  onReject: (title: string, detail: string) => void;
  timing: UplinkTiming;
  signal: AbortSignal;
};

export type SessionEnd = {
  /** Whether anybody took the connection, if only to refuse the WebSocket. */
  reached: boolean;
  welcomed: boolean;
  accepted: boolean;
  closeCode: number;
  fault: HubFault;
};

/** Nobody listens there, or there is no way: any other request would end in the same way. */
const NOT_REACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

export class SocketSession {
  /** Resolves when the socket is no more. */
  readonly ended: Promise<SessionEnd>;
  readonly #options: SocketSessionOptions;
  readonly #socket: WebSocket;
  #reached = true;
  #welcomed = false;
  #accepted = false;
  #fault: HubFault | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #ping: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: SocketSessionOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.url, [UPLINK_PROTOCOL], {
      headers: { authorization: `Bearer ${options.token}` },
      handshakeTimeout: options.timing.welcomeWithinMs,
      perMessageDeflate: false,
      maxPayload: 32 * 1024 * 1024,
    });
    const end = (): void => this.#socket.terminate();
    options.signal.addEventListener('abort', end, { once: true });
    this.ended = new Promise((resolve) => {
      this.#socket.once('close', (code, reason) => {
        options.signal.removeEventListener('abort', end);
        for (const timer of [this.#heartbeat, this.#ping, this.#deadline]) clearTimeout(timer);
        const closed = `The hub closed the uplink (${code}${reason.length > 0 ? `: ${reason.toString()}` : ''})`;
        const fault = this.#fault ?? { kind: 'away', message: closed };
        resolve({
          reached: this.#reached,
          welcomed: this.#welcomed,
          accepted: this.#accepted,
          closeCode: code,
          fault,
        });
      });
    });
    this.#socket.once('open', () => {
      this.send(options.hello);
      this.#expect(options.timing.welcomeWithinMs, 'The hub did not welcome this node in time');
    });
    this.#socket.on('message', (data, binary) => {
      if (!Buffer.isBuffer(data)) return;
      if (binary) options.relay?.bytes(data);
      else this.#onText(data.toString('utf8'));
    });
    this.#socket.once('unexpected-response', (_request, response) => void this.#onRefusal(response));
    this.#socket.on('error', (error) => {
      this.#reached = !NOT_REACHED.has(codeOf(error) ?? '');
      this.#fault ??= { kind: 'away', message: `The hub at ${options.url.host} is away: ${causeOf(error)}` };
    });
  }

  /** Sends one frame; false where the socket cannot take it. */
  send(frame: NodeFrame): boolean {
    return this.#sendText(JSON.stringify(frame));
  }

  /** Whether more than snapshots may be sent now: what can wait must not queue before them. */
  room(): 'open' | 'full' | 'closed' {
    if (this.#socket.readyState !== WebSocket.OPEN) return 'closed';
    return this.#socket.bufferedAmount < LIVE_BUFFER_LIMIT_BYTES ? 'open' : 'full';
  }

  /** Sends a binary message; false where the socket cannot take it. `onFlushed` is called once it has left, or never will. */
  sendBytes(bytes: Uint8Array, onFlushed: () => void): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(bytes, onFlushed);
    return true;
  }

  /** What was handed to the socket and has not left. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /** Sends a snapshot now and counts the interval from here. */
  beat(intervalMs: number): void {
    clearTimeout(this.#heartbeat);
    if (!this.#welcomed) return;
    if (this.#socket.bufferedAmount < BUFFER_LIMIT_BYTES)
      this.#sendText(this.#options.healthFrame(!this.#accepted));
    this.#heartbeat = setTimeout(() => this.beat(intervalMs), intervalMs);
  }

  /** Ends the session in good order. */
  close(): void {
    this.#socket.close(1000, 'reporter ends');
  }

  #sendText(text: string): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  #onText(text: string): void {
    if (text === UPLINK_PONG) {
      clearTimeout(this.#deadline);
      return;
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      // No frame of ours; a newer hub may speak more than we know.
      return;
    }
    const parsed = v.safeParse(HubFrameSchema, json);
    if (parsed.success) this.#onFrame(parsed.output);
  }

  #onFrame(frame: HubFrame): void {
    switch (frame.type) {
      case 'welcome':
        clearTimeout(this.#deadline);
        this.#welcomed = true;
        this.#options.onWelcome(frame);
        this.beat(boundedIntervalMs(frame.interval_ms));
        this.#ping ??= setInterval(() => this.#sendPing(), this.#options.timing.pingEveryMs);
        return;
      case 'health.ack':
        if (!this.#accepted) this.#options.onAccepted();
        this.#accepted = true;
        return;
      case 'command':
        return this.#options.onCommand(frame);
      case 'reject':
        return this.#options.onReject(frame.problem.title, frame.problem.detail);
      case 'command.cancel':
        return this.#options.onCancel(frame);
      case 'relay.open':
        return this.#options.relay?.open(frame);
      case 'relay.upload':
        return this.#options.relay?.uploadTaken(frame.stream);
      case 'relay.cancel':
        return this.#options.relay?.cancel(frame.stream);
      default:
        return frame satisfies never;
    }
  }

  #sendPing(): void {
    if (!this.#sendText(UPLINK_PING)) return;
    this.#expect(this.#options.timing.pongWithinMs, 'The hub did not answer a ping in time');
  }

  #expect(withinMs: number, otherwise: string): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#fault = { kind: 'away', message: otherwise };
      this.#socket.terminate();
    }, withinMs);
  }

  async #onRefusal(response: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      // Cut short: the status and what came of the body tell enough.
    }
    const text = Buffer.concat(chunks).toString('utf8');
    this.#fault = faultOfAnswer(this.#options.url, response.statusCode ?? 0, text);
    this.#socket.terminate();
  }
}

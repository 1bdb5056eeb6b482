// Owns a hub that does what a test orders: it speaks the contract and keeps what it heard, and has no mind of its own.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import * as v from 'valibot';
import { onTestFinished } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Command, CommandCancel } from '../../contract/command.ts';
import {
  NodeFrameSchema,
  UPLINK_PING,
  UPLINK_PONG,
  type HubFrame,
  type NodeFrame,
} from '../../contract/frames.ts';
import { readRecords, writeRecords, type RelayRecord } from '../../contract/relay-records.ts';
import { CommandProgressSchema, EnrollRequestSchema, type CommandProgress } from '../../contract/node-api.ts';
import { problem, type ProblemReason } from '../../contract/problem.ts';
import { SnapshotSchema, type Snapshot } from '../../contract/snapshot.ts';
import { eventually } from './eventually.ts';

export const JOIN_TOKEN = 'a-join-token';
export const NODE_TOKEN = 'a-node-token';
/** base64url of 32 bytes. */
export const COMMAND_KEY = Buffer.alloc(32, 7).toString('base64url');

/** How an answer is refused: by the hub, with a problem document, or by something on the way, with a page. */
export type Refusal = { reason: ProblemReason } | { status: number };

export class FakeHub {
  readonly port: number;
  /** Set: WebSocket upgrades are refused so. */
  refuseUplink: Refusal | undefined;
  /** Set: heartbeats by POST are refused so. */
  refusePost: Refusal | undefined;
  /** A quiet one takes the socket and says nothing; a deaf one welcomes and does not answer pings. */
  manner: 'polite' | 'quiet' | 'deaf' = 'polite';
  intervalMs = 60_000;
  clockAheadMs = 0;
  /** What the next POST heartbeat is answered with. */
  readonly queue: Command[] = [];
  readonly cancels: CommandCancel[] = [];
  readonly frames: NodeFrame[] = [];
  /** Of binary messages. */
  readonly records: RelayRecord[] = [];
  /**
   * What becomes of an upload: it is taken, taken and not read, unknown as to an older hub, or
   * kept as by a proxy until it is whole.
   */
  uploading: 'taken' | 'unread' | 'unknown' | 'kept' = 'unknown';
  /** Of each upload that was taken, as it comes. `isWhole` once it was ended. */
  readonly uploads: { stream: number; chunks: Buffer[]; isWhole: boolean; request: IncomingMessage }[] = [];
  /** So many uploads were begun. */
  uploadsBegun = 0;
  /** Chunks of answers and moves, in their order. */
  readonly answered: (
    | { kind: 'chunk'; stream: number; payload: Uint8Array }
    | { kind: 'moved'; stream: number }
  )[] = [];
  /** Snapshots in the order in which they came, and by which way. */
  readonly snapshots: { way: 'socket' | 'post'; snapshot: Snapshot }[] = [];
  readonly progress: { id: string; progress: CommandProgress }[] = [];
  readonly closes: { code: number; reason: string }[] = [];
  readonly enrolments: string[] = [];
  /** What broke the contract; a test with any of these fails. */
  readonly faults: string[] = [];
  pings = 0;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('request', (request, response) => {
      // A body that breaks the contract: the reporter sees a broken line, and the test sees why. One that did not come
      // whole breaks nothing: a reporter may end at any moment.
      this.#onRequest(request, response).catch((error: unknown) => {
        if (request.complete) this.faults.push(String(error));
        response.destroy();
      });
    });
    server.on('upgrade', (request, socket: Duplex, head) => this.#onUpgrade(request, socket, head));
  }

  /** It is gone when the test is over. `port` 0 lets the system choose. */
  static async start(port = 0): Promise<FakeHub> {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
    const hub = new FakeHub(server, address.port);
    onTestFinished(async () => {
      await hub.stop();
      if (hub.faults.length > 0) throw new Error(`The hub heard what it must not: ${hub.faults.join('; ')}`);
    });
    return hub;
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.port}/`);
  }

  /** The open uplinks. */
  get connections(): number {
    return this.#sockets.clients.size;
  }

  /** Plain requests under way. */
  async openRequests(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#server.getConnections((_error, count) => resolve(count - this.connections));
    return promise;
  }

  send(frame: HubFrame | object | string): void {
    for (const socket of this.#sockets.clients)
      socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  sendRecords(...records: RelayRecord[]): void {
    for (const socket of this.#sockets.clients) socket.send(writeRecords(records));
  }

  /** Ends every uplink: in good order with a code, else as a broken line does. */
  drop(code?: number): void {
    for (const socket of this.#sockets.clients) {
      if (code === undefined) socket.terminate();
      else socket.close(code);
    }
  }

  /** Reads nothing more from any uplink, not even its close. */
  freeze(): void {
    for (const socket of this.#sockets.clients) socket.pause();
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.drop();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** The frames of one type; waits until there are so many. */
  async framesOf<Type extends NodeFrame['type']>(
    type: Type,
    count = 1,
  ): Promise<Extract<NodeFrame, { type: Type }>[]> {
    return eventually(`${count} frames ${type}`, () => {
      const found = this.frames.filter(
        (frame): frame is Extract<NodeFrame, { type: Type }> => frame.type === type,
      );
      return found.length >= count && found;
    });
  }

  /** Waits until so many snapshots came. */
  async heard(count: number): Promise<void> {
    await eventually(`${count} snapshots`, () => this.snapshots.length >= count);
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.refuseUplink ?? this.#unauthorized(request);
    if (refusal !== undefined) {
      const { status, type, body } = refusalBody(refusal);
      // A refused client may reset the line; Node leaves the errors of an upgraded socket to us.
      socket.on('error', () => undefined);
      socket.end(
        `HTTP/1.1 ${status} Refused\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
          `Connection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (uplink) => this.#onUplink(uplink));
  }

  #onUplink(uplink: WebSocket): void {
    uplink.on('close', (code, reason) => this.closes.push({ code, reason: reason.toString() }));
    uplink.on('message', (data, isBinary) => {
      if (isBinary) {
        const records = Buffer.isBuffer(data) ? readRecords(data) : undefined;
        if (records === undefined) this.faults.push('a binary message that is none');
        this.records.push(...(records ?? []));
        for (const record of records ?? []) if (record.kind === 'chunk') this.answered.push(record);
        return;
      }
      const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
      if (text === UPLINK_PING) {
        this.pings += 1;
        if (this.manner === 'polite') uplink.send(UPLINK_PONG);
        return;
      }
      const parsed = v.safeParse(NodeFrameSchema, JSON.parse(text));
      if (!parsed.success) {
        this.faults.push(text);
        return;
      }
      const frame = parsed.output;
      this.frames.push(frame);
      if (frame.type === 'relay.moved') this.answered.push({ kind: 'moved', stream: frame.stream });
      if (frame.type === 'hello' && this.manner !== 'quiet')
        uplink.send(JSON.stringify({ type: 'welcome', ...this.#pace() }));
      if (frame.type !== 'health') return;
      this.snapshots.push({ way: 'socket', snapshot: frame.snapshot });
      const { boot_id, seq } = frame.snapshot;
      if (frame.ack === true) uplink.send(JSON.stringify({ type: 'health.ack', boot_id, seq }));
    });
  }

  async #onUpload(stream: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.uploadsBegun += 1;
    const refusal =
      this.#unauthorized(request) ??
      (this.uploading === 'unknown' ? { reason: 'not-found' as const } : undefined);
    if (refusal !== undefined) return refuse(response, refusal);
    const upload = { stream, chunks: [] as Buffer[], isWhole: false, request };
    if (this.uploading !== 'kept') {
      this.uploads.push(upload);
      this.send({ type: 'relay.upload', stream });
    }
    if (this.uploading !== 'unread') request.on('data', (chunk: Buffer) => upload.chunks.push(chunk));
    // A node may break it off.
    request.on('error', () => undefined);
    request.on('end', () => {
      upload.isWhole = true;
      response.writeHead(204).end();
    });
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = /^\/nodes\/[^/]+\/relays\/(\d+)$/.exec(request.url ?? '')?.[1];
    if (stream !== undefined) return this.#onUpload(Number(stream), request, response);
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    const path = request.url ?? '';
    if (path === '/nodes/enroll') return this.#enrol(body, response);
    const refusal = this.#unauthorized(request) ?? (path.endsWith('/health') ? this.refusePost : undefined);
    if (refusal !== undefined) return refuse(response, refusal);
    const commandId = /^\/nodes\/[^/]+\/commands\/([^/]+)$/.exec(path)?.[1];
    if (commandId !== undefined) {
      const progress = v.parse(CommandProgressSchema, body);
      this.progress.push({ id: decodeURIComponent(commandId), progress });
      response.writeHead(204).end();
      return;
    }
    this.snapshots.push({ way: 'post', snapshot: v.parse(SnapshotSchema, body) });
    answer(response, 200, {
      ...this.#pace(),
      commands: this.queue.splice(0),
      cancels: this.cancels.splice(0),
    });
  }

  #enrol(body: unknown, response: ServerResponse): void {
    const { join_token: joinToken, node } = v.parse(EnrollRequestSchema, body);
    if (joinToken !== JOIN_TOKEN) return refuse(response, { reason: 'join-token-invalid' });
    this.enrolments.push(node);
    const { ttl_seconds, interval_ms } = this.#pace();
    answer(response, 201, { node, token: NODE_TOKEN, ttl_seconds, interval_ms, command_key: COMMAND_KEY });
  }

  #unauthorized(request: IncomingMessage): Refusal | undefined {
    return request.headers.authorization === `Bearer ${NODE_TOKEN}` ? undefined : { reason: 'unauthorized' };
  }

  #now(): string {
    return new Date(Date.now() + this.clockAheadMs).toISOString();
  }

  #pace() {
    return { ttl_seconds: 60, interval_ms: this.intervalMs, server_time: this.#now() };
  }
}

function refusalBody(refusal: Refusal): { status: number; type: string; body: string } {
  if ('status' in refusal) {
    return { status: refusal.status, type: 'text/html', body: '<h1>The proxy says no</h1>' };
  }
  const document = problem(refusal.reason, 'This is why.');
  return { status: document.status, type: 'application/problem+json', body: JSON.stringify(document) };
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  const { status, type, body } = refusalBody(refusal);
  response.writeHead(status, { 'content-type': type }).end(body);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

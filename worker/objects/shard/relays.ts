// Owns the relayed exchanges over the sockets of this shard: to whom each answer belongs, how much of it may come, and
// that a node that is gone is told at once. They live in memory alone: an evicted object has none, and a node that goes on
// sending is told to stop.

import type { CommandError } from '../../../contract/command.ts';
import type { HubFrame } from '../../../contract/frames.ts';
import { ReceiveCredit, SendCredit } from '../../../contract/relay-credit.ts';
import {
  readRecords,
  RELAY_CHUNK_MAX_BYTES,
  writeRecords,
  type RelayRecord,
} from '../../../contract/relay-records.ts';
import { RELAYS_PER_NODE, type RelayEnd, type RelayHead, type RelayOpen } from '../../../contract/relay.ts';
import { ACTION_AT_MOST_MS, CANCELLED } from '../../domain/action-life.ts';
import { judgeLife, RELAY_LOOK_MS, type LinkLife } from '../../domain/relay-liveness.ts';
import { brokenProtocol, brokenUpload, lostNode, mutedNode, tooLong } from '../../domain/relay-refusal.ts';
import type { PartEnd } from './relay-body.ts';

/** Each may hold a window of bytes for a slow reader, and an object has 128 MB for everything. */
const RELAYS_PER_SHARD = 384;
const STREAM_MAX = 2 ** 32 - 1;

/** Where an answer goes. After `end` or `failed` nothing comes any more. */
export type RelaySink = {
  head(head: RelayHead): void;
  /** Whoever takes them says so by `read`. */
  chunk(bytes: Uint8Array): void;
  /** What follows comes from there, until that ends. Absent where an answer is kept and not passed on. */
  move?(part: ReadableStream<Uint8Array>): Promise<PartEnd>;
  end(): void;
  failed(error: CommandError): void;
};

export type NewRelay = {
  node: string;
  runtime: string;
  socket: WebSocket;
  open: RelayOpen;
  body: Uint8Array;
  sink: RelaySink;
  openedAt: number;
};

/** A part of an answer that came as the body of a request, which is held until the part is over. */
type Upload = { part: ReadableStream<Uint8Array>; isRead: boolean; release: () => void };

type Relay = NewRelay & {
  received: ReceiveCredit;
  credit: SendCredit;
  sentBytes: number;
  isBodySent: boolean;
  upload?: Upload | undefined;
  /** What the node said of the end, while a part of the answer is still on its way. */
  end?: RelayEnd;
};
/** What is under way over one socket, and when that was last heard. */
type Carried = { relays: Map<number, Relay>; life: LinkLife };

export class Relays {
  readonly #send: (socket: WebSocket, frame: HubFrame) => void;
  readonly #carried = new Map<WebSocket, Carried>();
  #looks: ReturnType<typeof setInterval> | undefined;
  /** Begins anywhere: what a node still sends for a stream of an earlier life must meet no stream of this one. */
  #lastStream = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

  constructor(send: (socket: WebSocket, frame: HubFrame) => void) {
    this.#send = send;
  }

  nextStream(): number {
    this.#lastStream = this.#lastStream >= STREAM_MAX ? 1 : this.#lastStream + 1;
    return this.#lastStream;
  }

  isFull(socket: WebSocket): boolean {
    const all = [...this.#carried.values()].reduce((sum, { relays }) => sum + relays.size, 0);
    return this.#of(socket).length >= RELAYS_PER_NODE || all >= RELAYS_PER_SHARD;
  }

  /** What is under way at a runtime since then. */
  sentSince(socket: WebSocket, runtime: string, since: number): number {
    return this.#of(socket).filter((relay) => relay.runtime === runtime && relay.openedAt >= since).length;
  }

  begin(asked: NewRelay): void {
    const { socket, open, openedAt } = asked;
    const relay: Relay = {
      ...asked,
      received: new ReceiveCredit(),
      credit: new SendCredit(),
      sentBytes: 0,
      isBodySent: false,
    };
    const life = { heardAt: openedAt, lookedAt: openedAt };
    const carried = this.#carried.get(socket) ?? { relays: new Map<number, Relay>(), life };
    carried.relays.set(open.stream, relay);
    this.#carried.set(socket, carried);
    this.#looks ??= setInterval(() => this.#look(Date.now()), RELAY_LOOK_MS);
    this.#send(socket, open);
    sendBody(relay);
  }

  /** Ends an exchange from this side, with what its sink is told; false where it is over. */
  abort(socket: WebSocket, stream: number, error: CommandError): boolean {
    const relay = this.#take(socket, stream);
    if (relay === undefined) return false;
    this.#send(socket, { type: 'relay.cancel', stream });
    relay.sink.failed(error);
    return true;
  }

  /** Whoever reads the answer has taken so much of it. */
  read(socket: WebSocket, stream: number, bytes: number): void {
    const granted = this.#carried.get(socket)?.relays.get(stream)?.received.read(bytes) ?? 0;
    if (granted > 0) say(socket, { kind: 'credit', stream, bytes: granted });
  }

  /** Something came over the socket, whatever it was. */
  heard(socket: WebSocket, now: number): void {
    const carried = this.#carried.get(socket);
    if (carried !== undefined) carried.life.heardAt = now;
  }

  /** A binary message; false where it is none of ours. */
  bytes(socket: WebSocket, message: Uint8Array): boolean {
    const records = readRecords(message);
    for (const record of records ?? []) this.#onRecord(socket, record);
    return records !== undefined;
  }

  head(socket: WebSocket, head: RelayHead): void {
    const relay = this.#carried.get(socket)?.relays.get(head.stream);
    if (relay === undefined) this.#send(socket, { type: 'relay.cancel', stream: head.stream });
    else relay.sink.head(head);
  }

  /**
   * A part of an answer has come as a body: its node is told, and says when it is to be read.
   * @returns when the part is over, however; undefined where nobody waits for it.
   */
  offer(node: string, stream: number, part: ReadableStream<Uint8Array>): Promise<void> | undefined {
    for (const [socket, { relays }] of this.#carried) {
      const relay = relays.get(stream);
      if (relay?.node !== node || relay.sink.move === undefined || relay.upload !== undefined) continue;
      const over = new Promise<void>((release) => (relay.upload = { part, isRead: false, release }));
      this.#send(socket, { type: 'relay.upload', stream });
      return over;
    }
    return undefined;
  }

  moved(socket: WebSocket, stream: number): void {
    const relay = this.#carried.get(socket)?.relays.get(stream);
    if (relay === undefined) return;
    const { upload, sink } = relay;
    if (upload === undefined || upload.isRead || sink.move === undefined) {
      this.abort(socket, stream, brokenUpload(relay.node));
      return;
    }
    upload.isRead = true;
    void sink.move(upload.part).then((how) => this.#partEnded(socket, relay, how));
  }

  end(socket: WebSocket, end: RelayEnd): void {
    const waiting = this.#carried.get(socket)?.relays.get(end.stream);
    if (waiting?.upload?.isRead === true) {
      waiting.end = end;
      return;
    }
    const relay = this.#take(socket, end.stream);
    if (end.ok) relay?.sink.end();
    else relay?.sink.failed(end.error);
  }

  socketGone(socket: WebSocket): void {
    for (const { open, node } of this.#of(socket))
      this.#take(socket, open.stream)?.sink.failed(lostNode(node));
  }

  #onRecord(socket: WebSocket, record: RelayRecord): void {
    if (record.kind === 'probe') return say(socket, { kind: 'alive' });
    if (record.kind === 'alive') return;
    const relay = this.#carried.get(socket)?.relays.get(record.stream);
    if (record.kind === 'credit') {
      relay?.credit.grant(record.bytes);
      if (relay !== undefined) sendBody(relay);
      return;
    }
    // Its reader may be gone, or this object may have been evicted since.
    if (relay === undefined) return this.#send(socket, { type: 'relay.cancel', stream: record.stream });
    if (relay.received.receive(record.payload.byteLength)) relay.sink.chunk(record.payload);
    else this.abort(socket, record.stream, brokenProtocol(relay.node));
  }

  #partEnded(socket: WebSocket, relay: Relay, how: PartEnd): void {
    const { open, end, upload, node } = relay;
    upload?.release();
    relay.upload = undefined;
    // The relay may be over, by a cancel or with its socket.
    if (this.#carried.get(socket)?.relays.get(open.stream) !== relay) return;
    if (how === 'left') this.abort(socket, open.stream, CANCELLED);
    else if (end?.ok === false) this.end(socket, end);
    else if (how === 'broken') this.abort(socket, open.stream, brokenUpload(node));
    else if (end !== undefined) this.end(socket, end);
  }

  #of(socket: WebSocket): Relay[] {
    return [...(this.#carried.get(socket)?.relays.values() ?? [])];
  }

  #take(socket: WebSocket, stream: number): Relay | undefined {
    const carried = this.#carried.get(socket);
    const relay = carried?.relays.get(stream);
    carried?.relays.delete(stream);
    relay?.upload?.release();
    if (carried?.relays.size === 0) this.#carried.delete(socket);
    if (this.#carried.size === 0 && this.#looks !== undefined) {
      clearInterval(this.#looks);
      this.#looks = undefined;
    }
    return relay;
  }

  #look(now: number): void {
    for (const [socket, { life }] of this.#carried) {
      const decision = judgeLife(life, now);
      life.lookedAt = now;
      if (decision.kind === 'probe') say(socket, { kind: 'probe' });
      if (decision.kind === 'unknown') life.heardAt = now;
      for (const { node, open, openedAt } of this.#of(socket)) {
        if (decision.kind === 'silent') this.abort(socket, open.stream, mutedNode(node));
        else if (now - openedAt >= ACTION_AT_MOST_MS) this.abort(socket, open.stream, tooLong());
      }
    }
  }
}

/** As much of the request's body as the node has granted, the last piece marked. */
function sendBody(relay: Relay): void {
  const { body, credit, socket, open } = relay;
  while (!relay.isBodySent) {
    const size = Math.min(RELAY_CHUNK_MAX_BYTES, credit.left, body.byteLength - relay.sentBytes);
    if (size === 0 && body.byteLength > relay.sentBytes) return;
    const payload = body.subarray(relay.sentBytes, relay.sentBytes + size);
    credit.spend(size);
    relay.sentBytes += size;
    relay.isBodySent = relay.sentBytes === body.byteLength;
    say(socket, { kind: 'chunk', stream: open.stream, payload, isLast: relay.isBodySent });
  }
}

function say(socket: WebSocket, record: RelayRecord): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(writeRecords([record]));
}

// Owns the sockets of a shard's nodes: at most one of each node counts, and each carries what must survive hibernation.

import * as v from 'valibot';
import {
  CLOSE_REPLACED,
  CLOSE_REVOKED,
  UPLINK_PING,
  UPLINK_PONG,
  type HubFrame,
} from '../../../contract/frames.ts';
import { earliest } from '../../domain/next-alarm.ts';

const LinkSchema = v.object({
  node: v.string(),
  /** The token that opened the link, and until when it works if it was replaced since. */
  tokenHash: v.string(),
  until: v.nullable(v.number()),
  openedAt: v.number(),
  isAdmitted: v.boolean(),
  /** What the node was told with its last welcome. */
  pace: v.nullable(v.object({ intervalMs: v.number(), ttlSeconds: v.number() })),
  /** It said that requests may be relayed to it. Absent in what an older hub attached. */
  takesRelays: v.optional(v.boolean(), false),
  last: v.nullable(v.object({ bootId: v.string(), seq: v.number(), receivedAt: v.number() })),
});

/** What a socket carries in its attachment. */
export type Link = v.InferOutput<typeof LinkSchema>;

/** Close codes of the protocol itself: the peer is told that this side failed, and connects again. */
const CLOSE_INTERNAL = 1011;

/**
 * How long a word that nobody was promised may be in memory alone. A timer ends it, and while a timer is set the object
 * does not hibernate: only what ends the sockets too can lose such a word.
 */
const CARRIED_WITHIN_MS = 1000;

export class Uplinks {
  readonly #state: DurableObjectState;
  readonly #onGone: (socket: WebSocket) => void;
  readonly #current = new Map<string, WebSocket>();
  readonly #links = new WeakMap<WebSocket, Link>();
  /** When what a socket carries was last written, and which carry less than is known. */
  readonly #savedAt = new WeakMap<WebSocket, number>();
  readonly #unsaved = new Set<WebSocket>();

  /** @param onGone is told of each socket that counted and does not any more. */
  constructor(state: DurableObjectState, onGone: (socket: WebSocket) => void) {
    this.#state = state;
    this.#onGone = onGone;
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair(UPLINK_PING, UPLINK_PONG));
    for (const socket of state.getWebSockets()) this.#recall(socket);
  }

  /** Takes a new socket; the one that the node had before is told that it was replaced. */
  accept(socket: WebSocket, link: Link): void {
    this.#state.acceptWebSocket(socket, [link.node]);
    this.save(socket, link);
    this.#makeCurrent(socket, link);
  }

  /** The link of a socket that counts; undefined for one that was replaced or revoked and is still closing. */
  linkOf(socket: WebSocket): Link | undefined {
    const link = this.#links.get(socket);
    return link !== undefined && this.#current.get(link.node) === socket ? link : undefined;
  }

  save(socket: WebSocket, link: Link): void {
    this.#links.set(socket, link);
    this.#write(socket, link, Date.now());
  }

  /** The last word of a node came over the socket; one that the node was told of is written before it hears so. */
  heard(socket: WebSocket, link: Link, last: NonNullable<Link['last']>, isPromised: boolean): void {
    link.last = last;
    const sinceMs = last.receivedAt - (this.#savedAt.get(socket) ?? 0);
    if (isPromised || sinceMs >= CARRIED_WITHIN_MS || sinceMs < 0) {
      this.#write(socket, link, last.receivedAt);
      return;
    }
    if (this.#unsaved.size === 0) setTimeout(() => this.#writeUnsaved(), CARRIED_WITHIN_MS);
    this.#unsaved.add(socket);
  }

  /** How many nodes hold a socket. */
  get count(): number {
    return this.#current.size;
  }

  isOpen(node: string): boolean {
    return this.#current.get(node)?.readyState === WebSocket.OPEN;
  }

  /** The socket of a node that said hello over it. */
  admitted(node: string): WebSocket | undefined {
    const socket = this.#current.get(node);
    const isUsable = socket?.readyState === WebSocket.OPEN && this.#links.get(socket)?.isAdmitted === true;
    return isUsable ? socket : undefined;
  }

  all(): [WebSocket, Link][] {
    return [...this.#current.values()].flatMap((socket) => {
      const link = this.#links.get(socket);
      return link === undefined ? [] : [[socket, link]];
    });
  }

  current(node: string): WebSocket | undefined {
    return this.#current.get(node);
  }

  send(socket: WebSocket, frame: HubFrame): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  /** Ends the link of a socket from this side. */
  close(socket: WebSocket, code: number, reason: string): void {
    this.drop(socket);
    if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
  }

  /** The socket is gone; true where it was the one that counts, so that an old one never ends a newer one. */
  drop(socket: WebSocket): boolean {
    const link = this.linkOf(socket);
    const counted = link !== undefined && this.#current.delete(link.node);
    if (counted) this.#onGone(socket);
    return counted;
  }

  /** Closes links whose token was replaced and whose overlap is over. */
  closeExpired(now: number): boolean {
    const expired = this.all().filter(([, { until }]) => until !== null && now >= until);
    for (const [socket] of expired) this.close(socket, CLOSE_REVOKED, 'The token was replaced');
    return expired.length > 0;
  }

  nextExpiry(): number | undefined {
    return earliest(this.all().map(([, { until }]) => until ?? undefined));
  }

  /** When the link of the node ends because its token was replaced. */
  expiryOf(node: string): number | undefined {
    const socket = this.#current.get(node);
    return (socket && this.#links.get(socket)?.until) ?? undefined;
  }

  #write(socket: WebSocket, link: Link, now: number): void {
    socket.serializeAttachment(link);
    this.#savedAt.set(socket, now);
    this.#unsaved.delete(socket);
  }

  #writeUnsaved(): void {
    const now = Date.now();
    const unsaved = [...this.#unsaved];
    // Empty before anything is written: the next word sets the next timer.
    this.#unsaved.clear();
    for (const socket of unsaved) {
      const link = this.#links.get(socket);
      if (link !== undefined && socket.readyState === WebSocket.OPEN) this.#write(socket, link, now);
    }
  }

  #recall(socket: WebSocket): void {
    const attachment: unknown = socket.deserializeAttachment();
    const parsed = v.safeParse(LinkSchema, attachment);
    if (!parsed.success) {
      console.error('Closed an uplink whose attachment cannot be read');
      socket.close(CLOSE_INTERNAL, 'Connect again');
      return;
    }
    this.#links.set(socket, parsed.output);
    if (socket.readyState === WebSocket.OPEN) this.#makeCurrent(socket, parsed.output);
  }

  #makeCurrent(socket: WebSocket, link: Link): void {
    const other = this.#current.get(link.node);
    const otherLink = other && this.#links.get(other);
    if (other !== undefined && otherLink !== undefined && otherLink.openedAt > link.openedAt) {
      this.close(socket, CLOSE_REPLACED, 'A newer uplink of this node is open');
      return;
    }
    this.#current.set(link.node, socket);
    if (other !== undefined && other !== socket) this.#onGone(other);
    if (other?.readyState === WebSocket.OPEN)
      other.close(CLOSE_REPLACED, 'A newer uplink of this node was opened');
  }
}

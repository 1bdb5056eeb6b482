// What a socket carries: the last word of its node, so that a shard that lost its memory knows when it was heard. A word
// that nobody was promised may be in memory alone for a second, and no longer.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import * as v from 'valibot';

const START = Date.parse('2026-11-22T12:00:00.000Z');
const WITHIN_MS = 1000;

type Word = { bootId: string; seq: number; receivedAt: number };
type Link = { node: string; last: Word | null };
type Uplinks = {
  accept(socket: Socket, link: Link): void;
  heard(socket: Socket, link: Link, last: Word, isPromised: boolean): void;
  linkOf(socket: Socket): Link | undefined;
};
type New = new (state: object, onGone: () => void) => Uplinks;

/** What uses the platform's types cannot be imported by name: Node's type check has none of them. */
const { href } = new URL('../../worker/objects/shard/uplinks.ts', import.meta.url);
const { Uplinks: NewUplinks } = v.parse(
  v.object({ Uplinks: v.custom<New>((value) => typeof value === 'function') }),
  { ...(await import(href)) },
);

/** A socket of the platform, as far as its attachment goes: what is in it outlives the object. */
class Socket {
  readyState = 1;
  attachment: Link | undefined;
  written = 0;

  serializeAttachment(link: Link): void {
    this.attachment = structuredClone(link);
    this.written += 1;
  }

  deserializeAttachment(): Link | undefined {
    return this.attachment;
  }
}

/** An object with its sockets; another one with the same sockets is its next life. */
class World {
  readonly sockets: Socket[] = [];
  readonly uplinks: Uplinks = this.#begun();

  open(node: string): Socket {
    const socket = new Socket();
    const link = {
      node,
      tokenHash: 'hash',
      until: null,
      openedAt: Date.now(),
      isAdmitted: true,
      pace: null,
      takesRelays: false,
      last: null,
    };
    this.uplinks.accept(socket, link);
    return socket;
  }

  hear(socket: Socket, seq: number, isPromised = false): void {
    const link = this.uplinks.linkOf(socket);
    if (link === undefined) throw new Error('a socket that does not count');
    this.uplinks.heard(socket, link, { bootId: 'boot-1', seq, receivedAt: Date.now() }, isPromised);
  }

  /** What is known of the node's last word once the memory of the object is lost. */
  remembered(socket: Socket): number | undefined {
    return this.#begun().linkOf(socket)?.last?.seq;
  }

  #begun(): Uplinks {
    const state = {
      setWebSocketAutoResponse: () => undefined,
      acceptWebSocket: (socket: Socket) => this.sockets.push(socket),
      getWebSockets: () => this.sockets,
    };
    return new NewUplinks(state, () => undefined);
  }
}

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  vi.stubGlobal('WebSocketRequestResponsePair', Object);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a word that the node is told of is carried before it hears so', () => {
  const world = new World();
  const socket = world.open('a');
  world.hear(socket, 1);
  world.hear(socket, 2, true);
  expect(world.remembered(socket)).toBe(2);
});

test('the last of the words that nobody was promised is carried within a second, also where no other comes', () => {
  const world = new World();
  const socket = world.open('a');
  const other = world.open('b');
  for (const seq of [1, 2, 3]) {
    vi.advanceTimersByTime(10);
    world.hear(socket, seq);
  }
  world.hear(other, 7);
  expect(world.remembered(socket)).toBeUndefined();
  vi.advanceTimersByTime(WITHIN_MS);
  expect([world.remembered(socket), world.remembered(other)]).toEqual([3, 7]);
});

test('heartbeats are carried at most once a second each, whatever their pace', () => {
  const world = new World();
  const socket = world.open('a');
  const before = socket.written;
  for (let seq = 1; seq <= 500; seq += 1) {
    vi.advanceTimersByTime(20);
    world.hear(socket, seq);
  }
  vi.advanceTimersByTime(WITHIN_MS);
  expect(world.remembered(socket)).toBe(500);
  expect(socket.written - before).toBeLessThanOrEqual(21);
});

test('nothing waits and no timer is left once all is carried: the object may sleep', () => {
  const world = new World();
  const socket = world.open('a');
  world.hear(socket, 1);
  vi.advanceTimersByTime(WITHIN_MS);
  expect(vi.getTimerCount()).toBe(0);
});

test('a socket that closed meanwhile is left alone', () => {
  const world = new World();
  const socket = world.open('a');
  world.hear(socket, 1);
  const before = socket.written;
  socket.readyState = 3;
  vi.advanceTimersByTime(WITHIN_MS);
  expect(socket.written).toBe(before);
});

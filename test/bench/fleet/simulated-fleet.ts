// Owns a fleet of simulated nodes within one process: enrolled, linked by socket or asked for by POST, reporting at a
// pace or as fast as the hub takes it. What was accepted is what the hub said so of, and a refusal is a failure.

import * as v from 'valibot';
import { EnrollResponseSchema, JoinTokenResponseSchema } from '../../../contract/node-api.ts';
import type { RuntimeState } from '../../../contract/words.ts';
import { sharedNowMs } from './clock.ts';
import { Connection } from './connection.ts';
import { PostNode } from './post-node.ts';
import { SimulatedHost } from './simulated-host.ts';
import { SocketNode } from './socket-node.ts';

export type FleetWanted = {
  hub: { url: string; token: string };
  nodes: number;
  /** So many of them, the first ones, hold a socket; the others report by POST. */
  sockets: number;
  /** Sockets that flood at a time, all of them in turn; where it is not told, all at once. */
  floodingSockets?: number;
  /** Snapshots on their way at a time of each of these; the last of them asks for the word that it was taken. */
  atATime?: number;
  /** How often each has reported before it is ready, once where it is not told. */
  firstReports?: number;
  /** Connections that those by POST share. */
  connections?: number;
  prefix?: string;
};

export type Command = { node: string; id: string; kind: string; atMs: number };
export type Way = 'socket' | 'post';

/** A join token works so often. */
const USES = 10_000;
const ENROLLING = 16;
const TICK_MS = 20;
const AT_A_TIME = 8;

export class SimulatedFleet {
  readonly #sockets: SocketNode[] = [];
  readonly #posts: PostNode[] = [];
  readonly #connections: Connection[] = [];
  readonly #floodingSockets: number;
  readonly #atATime: number;
  #pace: NodeJS.Timeout | undefined;

  private constructor({ sockets, floodingSockets = sockets, atATime = AT_A_TIME }: FleetWanted) {
    this.#floodingSockets = floodingSockets;
    this.#atATime = atATime;
  }

  /** Enrols the nodes, links them, and has each tell its first snapshots. */
  static async start(wanted: FleetWanted, onCommand: (command: Command) => void): Promise<SimulatedFleet> {
    const { hub, nodes, sockets, connections = 16, prefix = 'sim', firstReports = 1 } = wanted;
    const fleet = new SimulatedFleet(wanted);
    const enrolling = await openConnections(hub.url, ENROLLING);
    const hosts = Array.from(
      { length: nodes },
      (_, index) => new SimulatedHost(`${prefix}-${index}`, index, `boot-${process.pid}`),
    );
    const tokens = new Map<string, string>();
    for (let first = 0; first < nodes; first += USES) {
      const some = hosts.slice(first, first + USES);
      const join = await joinToken(enrolling[0], hub.token, some.length);
      await shared(enrolling, some, async (connection, { node }) => {
        tokens.set(node, await enrol(connection, join, node));
      });
    }
    for (const connection of enrolling) connection.close();
    fleet.#connections.push(...(nodes > sockets ? await openConnections(hub.url, connections) : []));
    for (const [index, host] of hosts.entries()) {
      const token = tokens.get(host.node) ?? '';
      if (index < sockets) fleet.#sockets.push(await SocketNode.open(hub.url, host, token, onCommand));
      else fleet.#posts.push(new PostNode(host, token, onCommand));
    }
    for (let report = 0; report < firstReports; report += 1) {
      await Promise.all(fleet.#sockets.map((node) => node.report(1)));
      await shared(fleet.#connections, fleet.#posts, (connection, node) => node.report(connection));
    }
    return fleet;
  }

  /** Every node reports once in the interval, evenly spread; undefined ends it. */
  report(intervalMs: number | undefined): void {
    clearInterval(this.#pace);
    if (intervalMs === undefined) return;
    const all = [...this.#sockets, ...this.#posts];
    let due = 0;
    let next = 0;
    let lastMs = sharedNowMs();
    this.#pace = setInterval(() => {
      const nowMs = sharedNowMs();
      due += ((nowMs - lastMs) / intervalMs) * all.length;
      lastMs = nowMs;
      for (; due >= 1; due -= 1) {
        const node = all[next % all.length];
        const connection = this.#connections[next % this.#connections.length];
        next += 1;
        if (node instanceof SocketNode) node.beat();
        // One that is refused ends this process, and with it the bench.
        else if (node !== undefined && connection !== undefined) void node.report(connection);
      }
    }, TICK_MS);
  }

  /** All nodes of the way report as fast as the hub takes it. */
  async flood(way: Way, seconds: number): Promise<{ accepted: number; seconds: number }> {
    const startedMs = sharedNowMs();
    const endMs = startedMs + seconds * 1000;
    const counts = way === 'socket' ? await this.#floodBySocket(endMs) : await this.#floodByPost(endMs);
    const accepted = counts.reduce((sum, count) => sum + count, 0);
    return { accepted, seconds: (sharedNowMs() - startedMs) / 1000 };
  }

  /** Changes the first runtime of a node that holds a socket, and tells it at once. */
  async change(index: number, state: RuntimeState): Promise<{ sentMs: number; ackedMs: number }> {
    const node = this.#sockets[index];
    if (node === undefined) throw new Error(`node ${index} holds no socket`);
    node.host.state = state;
    const sentMs = sharedNowMs();
    await node.report(1);
    return { sentMs, ackedMs: sharedNowMs() };
  }

  stop(): void {
    clearInterval(this.#pace);
    for (const node of this.#sockets) node.close();
    for (const connection of this.#connections) connection.close();
  }

  #floodBySocket(endMs: number): Promise<number[]> {
    const waiting = [...this.#sockets];
    return Promise.all(
      Array.from({ length: this.#floodingSockets }, async () => {
        let count = 0;
        for (; sharedNowMs() < endMs; count += this.#atATime) {
          const node = waiting.shift();
          if (node === undefined) throw new Error('fewer nodes hold a socket than are to flood');
          await node.report(this.#atATime);
          waiting.push(node);
        }
        return count;
      }),
    );
  }

  #floodByPost(endMs: number): Promise<number[]> {
    let next = 0;
    return Promise.all(
      this.#connections.map(async (connection) => {
        let count = 0;
        for (; sharedNowMs() < endMs; count += 1) {
          const node = this.#posts[next % this.#posts.length];
          next += 1;
          if (node === undefined) throw new Error('no node reports by POST');
          await node.report(connection);
        }
        return count;
      }),
    );
  }
}

function openConnections(url: string, count: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => Connection.open(url)));
}

/** Each connection takes the next of the items until none is left. */
async function shared<T>(
  connections: readonly Connection[],
  items: readonly T[],
  act: (connection: Connection, item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  await Promise.all(
    connections.map(async (connection) => {
      for (const item of left) await act(connection, item);
    }),
  );
}

async function joinToken(connection: Connection | undefined, token: string, uses: number): Promise<string> {
  if (connection === undefined) throw new Error('there is no connection');
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await connection.ask(
    connection.head('POST', '/join-tokens', headers),
    JSON.stringify({ uses }),
  );
  return v.parse(JoinTokenResponseSchema, JSON.parse(answer.body)).join_token;
}

async function enrol(connection: Connection, joinTokenText: string, node: string): Promise<string> {
  const head = connection.head('POST', '/nodes/enroll', { 'content-type': 'application/json' });
  const answer = await connection.ask(head, JSON.stringify({ join_token: joinTokenText, node }));
  if (answer.status !== 201) throw new Error(`${node} was not enrolled: ${answer.status} ${answer.body}`);
  return v.parse(EnrollResponseSchema, JSON.parse(answer.body)).token;
}

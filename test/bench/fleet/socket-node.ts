// Owns a simulated node that reports over its own socket, admitted as a reporter is.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import * as v from 'valibot';
import { HubFrameSchema, UPLINK_PROTOCOL, type HubFrame } from '../../../contract/frames.ts';
import { sharedNowMs } from './clock.ts';
import type { Command } from './simulated-fleet.ts';
import type { SimulatedHost } from './simulated-host.ts';

export class SocketNode {
  readonly host: SimulatedHost;
  readonly #socket: WebSocket;
  /** What the WebSocket is over. */
  readonly #wire: Socket;
  readonly #onCommand: (command: Command) => void;
  #acked: { seq: number; resolve: () => void; reject: (error: Error) => void } | undefined;

  private constructor(
    { socket, wire }: { socket: WebSocket; wire: Socket },
    host: SimulatedHost,
    onCommand: (command: Command) => void,
  ) {
    this.host = host;
    this.#socket = socket;
    this.#wire = wire;
    this.#onCommand = onCommand;
    socket.on('message', (data: Buffer) => this.#take(data.toString('utf8')));
    socket.on('close', (code) => this.#fail(`its socket was closed with ${code}`));
    socket.on('error', (error) => this.#fail(error.message));
  }

  /** Opens the socket, says hello and waits for its welcome. */
  static async open(
    url: string,
    host: SimulatedHost,
    token: string,
    onCommand: (command: Command) => void,
  ): Promise<SocketNode> {
    const address = new URL(`/nodes/${host.node}/uplink`, url);
    address.protocol = 'ws:';
    const wire = connect({ host: address.hostname, port: Number(address.port), noDelay: true });
    const socket = new WebSocket(address, [UPLINK_PROTOCOL], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
      createConnection: () => wire,
      // Masked with nothing, as one who is no browser may: the generator shares the cores with what it measures.
      generateMask: (mask) => mask.fill(0),
    });
    await once(socket, 'open');
    const reporter = { version: '0.1.0' };
    const welcome = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'hello', node: host.node, boot_id: 'sim', reporter }));
    await welcome;
    return new SocketNode({ socket, wire }, host, onCommand);
  }

  /** One heartbeat that nobody answers. */
  beat(): void {
    this.#socket.send(`{"type":"health","snapshot":${this.#next()}}`);
  }

  /** So many snapshots; resolves once the hub has said that it took the last one. */
  async report(count: number): Promise<void> {
    const taken = new Promise<void>((resolve, reject) => {
      this.#acked = { seq: this.host.seq + count, resolve, reject };
    });
    // What is sent together is written together: a call of the system for each would cost more than what it carries.
    this.#wire.cork();
    for (let sent = 1; sent < count; sent += 1) this.beat();
    this.#socket.send(`{"type":"health","ack":true,"snapshot":${this.#next()}}`);
    this.#wire.uncork();
    await taken;
  }

  close(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.terminate();
  }

  #next(): string {
    return this.host.next(new Date().toISOString());
  }

  #take(text: string): void {
    const atMs = sharedNowMs();
    const frame: HubFrame = v.parse(HubFrameSchema, JSON.parse(text));
    switch (frame.type) {
      case 'health.ack':
        if (frame.seq !== this.#acked?.seq) return;
        this.#acked.resolve();
        this.#acked = undefined;
        return;
      case 'reject':
        return this.#fail(frame.problem.detail ?? frame.problem.title);
      case 'command': {
        const { id, kind } = frame;
        this.#onCommand({ node: this.host.node, id, kind, atMs });
        this.#socket.send(JSON.stringify({ type: 'command.received', id }));
        this.#socket.send(JSON.stringify({ type: 'command.done', id, ok: true }));
        return;
      }
      case 'welcome':
      case 'command.cancel':
      case 'relay.open':
      case 'relay.cancel':
      case 'relay.upload':
        return;
      default:
        return frame satisfies never;
    }
  }

  #fail(reason: string): void {
    const error = new Error(`${this.host.node}: ${reason}`);
    if (this.#acked === undefined) throw error;
    this.#acked.reject(error);
    this.#acked = undefined;
  }
}

// Owns a reporter's end of the uplink for tests: frames in, frames out, and waiting for what should come.

import { once } from 'node:events';
import { WebSocket } from 'ws';
import * as v from 'valibot';
import { HubFrameSchema, UPLINK_PROTOCOL, type HubFrame } from '../../contract/frames.ts';
import { readRecords, writeRecords, type RelayRecord } from '../../contract/relay-records.ts';
import type { Snapshot } from '../../contract/snapshot.ts';

const DEADLINE_MS = 10_000;

type Waiter = { matches: (frame: HubFrame) => boolean; resolve: (frame: HubFrame) => void };

export class UplinkClient {
  readonly socket: WebSocket;
  /** Frames that no test has taken yet, in the order in which they came. */
  readonly frames: HubFrame[] = [];
  /** Of binary messages, in the order in which they came. */
  readonly records: RelayRecord[] = [];
  /** Set false: questions for a sign of life go unanswered, as by a host without power. */
  isAlive = true;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #waiters: Waiter[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('message', (data, isBinary) => {
      if (!Buffer.isBuffer(data)) return;
      if (isBinary) this.#onRecords(readRecords(data) ?? []);
      else this.#onText(data.toString('utf8'));
    });
  }

  static async open(hubUrl: URL, node: string, token: string): Promise<UplinkClient> {
    const url = new URL(`/nodes/${node}/uplink`, hubUrl);
    url.protocol = 'ws:';
    const socket = new WebSocket(url, [UPLINK_PROTOCOL], { headers: { authorization: `Bearer ${token}` } });
    const client = new UplinkClient(socket);
    await once(socket, 'open');
    return client;
  }

  /** Opens the socket and says hello; the welcome is taken. */
  static async admitted(
    hubUrl: URL,
    node: string,
    token: string,
    features?: string[],
  ): Promise<UplinkClient> {
    const client = await UplinkClient.open(hubUrl, node, token);
    const more = features === undefined ? {} : { features };
    client.send({ type: 'hello', node, boot_id: 'boot-1', reporter: { version: '0.1.0' }, ...more });
    await client.next('welcome');
    return client;
  }

  send(frame: object | string): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  sendRecords(...records: RelayRecord[]): void {
    this.socket.send(writeRecords(records));
  }

  /** Sends a snapshot and waits until the hub has it. */
  async report(snapshot: Snapshot): Promise<void> {
    this.send({ type: 'health', ack: true, snapshot });
    await this.next('health.ack');
  }

  /** The next frame of a type, taken out of the order. */
  async next<Type extends HubFrame['type']>(type: Type): Promise<Extract<HubFrame, { type: Type }>> {
    const isWanted = (frame: HubFrame): frame is Extract<HubFrame, { type: Type }> => frame.type === type;
    const index = this.frames.findIndex(isWanted);
    const [waiting] = index < 0 ? [] : this.frames.splice(index, 1);
    const frame = waiting ?? (await this.#coming(isWanted, type));
    if (!isWanted(frame)) throw new Error(`A frame of another type than ${type}`);
    return frame;
  }

  async close(): Promise<void> {
    this.socket.close(1000);
    await this.closed;
  }

  #coming(matches: (frame: HubFrame) => boolean, what: string): Promise<HubFrame> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`No frame ${what} within ${DEADLINE_MS} ms`)),
        DEADLINE_MS,
      );
      this.#waiters.push({
        matches,
        resolve: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
      });
    });
  }

  #onRecords(records: RelayRecord[]): void {
    for (const record of records) {
      if (record.kind !== 'probe') this.records.push(record);
      else if (this.isAlive) this.sendRecords({ kind: 'alive' });
    }
  }

  #onText(text: string): void {
    if (text === 'pong') return;
    const frame = v.parse(HubFrameSchema, JSON.parse(text));
    const index = this.#waiters.findIndex(({ matches }) => matches(frame));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter === undefined) this.frames.push(frame);
    else waiter.resolve(frame);
  }
}

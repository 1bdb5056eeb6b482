// Owns a host that takes relayed requests, for tests: a real uplink, a real gateway, a fixture engine behind it, and the
// hub's side of each exchange.

import { createHmac } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { relaySigningText, type RelayOpen } from '../../contract/relay.ts';
import { RELAY_CHUNK_MAX_BYTES, type RelayRecord } from '../../contract/relay-records.ts';
import { Gateway } from '../../reporter/gateway/gateway.ts';
import { InnerDoor } from '../../reporter/gateway/inner-door.ts';
import type { Routable } from '../../reporter/gateway/routable.ts';
import type { UploadPace } from '../../reporter/uplink/answer-way.ts';
import { RelayIntake } from '../../reporter/uplink/relay-intake.ts';
import { uploadsTo } from '../../reporter/uplink/relay-upload.ts';
import { eventually } from './eventually.ts';
import { COMMAND_KEY, FakeHub, NODE_TOKEN } from './fake-hub.ts';
import { Engine } from './gateway.ts';
import { NODE, Reporting } from './reporting.ts';

/** `end` is `ok`, or the reason of its failure. */
type Told = { status: number; headers: Record<string, string>; text: string; end: string };

export type RelayingOptions = {
  gateway?: 'open' | 'off';
  apiKey?: string;
  intervalMs?: number;
  pace?: Partial<UploadPace>;
  runtimes?: (engine: Engine) => Routable[];
};

export class Relaying {
  readonly hub: FakeHub;
  readonly engine: Engine;
  readonly reporting: Reporting;
  readonly intake: RelayIntake;
  readonly inner: InnerDoor;
  readonly gateway: Gateway | undefined;
  #lastStream = 0;

  private constructor(hub: FakeHub, engine: Engine, options: RelayingOptions) {
    this.hub = hub;
    this.engine = engine;
    hub.intervalMs = options.intervalMs ?? 60_000;
    const runtimes = options.runtimes?.(engine) ?? [engine.runtime('one')];
    const parts = { runtimes: () => runtimes, log: { info() {}, warn() {}, error() {} } };
    const { apiKey } = options;
    if (options.gateway !== 'off') {
      this.gateway = Gateway.open({ ...parts, settings: { port: 0, apiKey } });
      onTestFinished(() => this.gateway?.stop());
    }
    this.inner = new InnerDoor(this.gateway && { gateway: this.gateway, apiKey }, parts);
    this.reporting = new Reporting(hub.url, {
      ...(options.intervalMs !== undefined && { intervalMs: options.intervalMs }),
      relay: {
        open: (frame) => void this.intake.open(frame),
        cancel: (stream) => this.intake.cancel(stream),
        uploadTaken: (stream) => this.intake.uploadTaken(stream),
        bytes: (message) => this.intake.bytes(message),
        gone: () => this.intake.gone(),
      },
    });
    this.intake = new RelayIntake({
      node: NODE,
      commandKey: COMMAND_KEY,
      door: () => this.inner.door(),
      way: this.reporting.uplink,
      openUpload: uploadsTo({ hub: hub.url, node: NODE, token: NODE_TOKEN }),
      pace: { afterMs: 0, spreadMs: 0, ...options.pace },
      send: (frame) => this.reporting.uplink.sendLive(frame),
      log: this.reporting.log,
      hubNowMs: () => this.reporting.uplink.hubNowMs(),
    });
  }

  static async linked(options: RelayingOptions = {}): Promise<Relaying> {
    const relaying = new Relaying(await FakeHub.start(), await Engine.start(), options);
    await relaying.reporting.accepted();
    return relaying;
  }

  /** An opening as the hub sends it; what is changed is changed before the signature is made. */
  opening(change: Partial<RelayOpen> = {}): RelayOpen {
    const nowMs = Date.now();
    const open: RelayOpen = {
      type: 'relay.open',
      id: `${NODE}:act-${(this.#lastStream += 1)}`,
      stream: this.#lastStream,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
      issued_at: new Date(nowMs).toISOString(),
      expires_at: new Date(nowMs + 30_000).toISOString(),
      signature: '',
      ...change,
    };
    const signature = createHmac('sha256', Buffer.from(COMMAND_KEY, 'base64url'))
      .update(relaySigningText(NODE, open))
      .digest('base64url');
    return { ...open, signature };
  }

  /** Sends a request whose body orders the engine what to do. @returns its stream. */
  ask(order: string, change: Partial<RelayOpen> = {}): number {
    const open = this.opening(change);
    this.hub.send(open);
    const text = JSON.stringify({ model: 'm', do: order });
    this.hub.sendRecords(...bodyRecords(open.stream, Buffer.from(text)));
    return open.stream;
  }

  /** In the order in which a hub reads it: what was uploaded stands where the node said that it moved. */
  received(stream: number): Buffer {
    const uploads = this.hub.uploads.filter((upload) => upload.stream === stream);
    const chunks = this.hub.answered.flatMap((said) => {
      if (said.stream !== stream) return [];
      return said.kind === 'chunk' ? [said.payload] : (uploads.shift()?.chunks ?? []);
    });
    return Buffer.concat(chunks);
  }

  grant(stream: number, bytes: number): void {
    this.hub.sendRecords({ kind: 'credit', stream, bytes });
  }

  /** The answer once it is over. */
  async answer(stream: number): Promise<Told> {
    const end = await eventually(`the end of stream ${stream}`, () =>
      this.hub.frames.find((frame) => frame.type === 'relay.end' && frame.stream === stream),
    );
    if (end.type !== 'relay.end') throw new Error('unreachable: it was looked for');
    const head = this.hub.frames.find((frame) => frame.type === 'relay.head' && frame.stream === stream);
    return {
      status: head?.type === 'relay.head' ? head.status : 0,
      headers: head?.type === 'relay.head' ? head.headers : {},
      text: this.received(stream).toString('utf8'),
      end: end.ok ? 'ok' : end.error.reason,
    };
  }
}

export function bodyRecords(stream: number, body: Buffer): RelayRecord[] {
  const records: RelayRecord[] = [];
  for (let at = 0; at === 0 || at < body.length; at += RELAY_CHUNK_MAX_BYTES) {
    const payload = body.subarray(at, at + RELAY_CHUNK_MAX_BYTES);
    records.push({ kind: 'chunk', stream, payload, isLast: at + payload.length >= body.length });
  }
  return records;
}

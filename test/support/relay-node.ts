// Owns a node's end of relayed requests for tests of the hub: what it was asked, and what it answers as a test orders.

import { createHmac } from 'node:crypto';
import { request, type ClientRequest } from 'node:http';
import { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import * as v from 'valibot';
import { ActionSchema, type Action } from '../../contract/actions.ts';
import { relaySigningText, type RelayOpen } from '../../contract/relay.ts';
import { eventually } from './eventually.ts';
import { until, type Hub } from './hub.ts';
import { runtimeRecord, snapshot } from './snapshot.ts';
import type { UplinkClient } from './uplink-client.ts';
import type { RuntimeRecord } from '../../contract/runtime-record.ts';

const ENOUGH_CREDIT = 64 * 1024;

export class RelayNode {
  readonly node: string;
  readonly token: string;
  readonly client: UplinkClient;
  readonly #commandKey: string;
  readonly #hubUrl: URL;

  private constructor(hubUrl: URL, node: string, token: string, commandKey: string, client: UplinkClient) {
    this.#hubUrl = hubUrl;
    this.node = node;
    this.token = token;
    this.#commandKey = commandKey;
    this.client = client;
  }

  static async linked(
    hub: Hub,
    node: string,
    { runtimes = [runtimeRecord()], features = ['relay'] }: Linked = {},
  ): Promise<RelayNode> {
    const { token, command_key: commandKey } = await hub.enroll(node);
    const client = await hub.uplink(node, token, features);
    await client.report(snapshot({ node, runtimes }));
    onTestFinished(() => client.close());
    return new RelayNode(hub.url, node, token, commandKey, client);
  }

  /** The next request, its signature checked. */
  async asked(): Promise<RelayOpen> {
    const open = await this.client.next('relay.open');
    const signature = createHmac('sha256', Buffer.from(this.#commandKey, 'base64url'))
      .update(relaySigningText(this.node, open))
      .digest('base64url');
    if (open.signature !== signature) throw new Error('the opening is not signed as it must be');
    return open;
  }

  /** Its body once it is whole, granting as a node does; how many pieces it took is told too. */
  async body({ stream }: RelayOpen): Promise<{ text: string; pieces: number }> {
    let granted = 0;
    return eventually('the body is whole', () => {
      const pieces = this.client.records.flatMap((record) =>
        record.kind === 'chunk' && record.stream === stream ? [record] : [],
      );
      const whole = Buffer.concat(pieces.map(({ payload }) => payload));
      if (pieces.at(-1)?.isLast === true) return { text: whole.toString('utf8'), pieces: pieces.length };
      if (whole.length - granted >= ENOUGH_CREDIT) {
        this.client.sendRecords({ kind: 'credit', stream, bytes: whole.length - granted });
        granted = whole.length;
      }
      return undefined;
    });
  }

  head({ stream }: RelayOpen, contentType: string, status = 200): void {
    this.client.send({ type: 'relay.head', stream, status, headers: { 'content-type': contentType } });
  }

  chunk({ stream }: RelayOpen, payload: Uint8Array | string): void {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    this.client.sendRecords({ kind: 'chunk', stream, payload: bytes, isLast: false });
  }

  end({ stream }: RelayOpen): void {
    this.client.send({ type: 'relay.end', stream, ok: true });
  }

  /** Begins to upload a part of the answer. */
  upload({ stream }: RelayOpen, token = this.token): PartUpload {
    const url = new URL(`/nodes/${this.node}/relays/${stream}`, this.#hubUrl);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    const part = request(url, { method: 'POST', agent: false, headers });
    onTestFinished(() => void part.destroy());
    const over = new Promise<{ status: number; text: string }>((resolve) => {
      part.on('error', () => resolve({ status: 0, text: '' }));
      part.on('response', (answer) => {
        void new Response(Readable.toWeb(answer)).text().then(
          (text) => resolve({ status: answer.statusCode ?? 0, text }),
          () => resolve({ status: 0, text: '' }),
        );
      });
    });
    part.flushHeaders();
    return { part, over };
  }

  /** The rest of the answer comes by an upload, which the hub has in its hands. */
  async moved(open: RelayOpen): Promise<PartUpload> {
    const upload = this.upload(open);
    const { stream } = await this.client.next('relay.upload');
    if (stream !== open.stream) throw new Error(`the hub has an upload of answer ${stream}`);
    this.client.send({ type: 'relay.moved', stream: open.stream });
    return upload;
  }

  /** Answers a chat in full. */
  reply(open: RelayOpen, content: string): void {
    this.head(open, 'application/json');
    this.chunk(open, JSON.stringify({ model: 'm', choices: [{ message: { role: 'assistant', content } }] }));
    this.end(open);
  }

  /** What the hub has granted for the stream so far. */
  granted({ stream }: RelayOpen): number {
    return this.client.records.reduce(
      (sum, record) => sum + (record.kind === 'credit' && record.stream === stream ? record.bytes : 0),
      0,
    );
  }
}

/** `over` tells what it was answered with; status 0 where it broke off. */
export type PartUpload = { part: ClientRequest; over: Promise<{ status: number; text: string }> };

export type Linked = { runtimes?: RuntimeRecord[]; features?: string[] };

let alone = 0;

/** A node of its own for a test, with a model that no other has. */
export async function linkedAlone(hub: Hub, options: Linked = {}): Promise<{ at: RelayNode; model: string }> {
  alone += 1;
  const model = `model-${alone}`;
  const runtimes = [runtimeRecord({ model })];
  return { at: await RelayNode.linked(hub, `gpu-${alone}`, { runtimes, ...options }), model };
}

/** Asks for a chat whose answer is the engine's own stream. */
export function streamed(hub: Hub, input: object): Promise<Response> {
  const headers = { accept: 'text/event-stream' };
  return hub.ask('/actions', { method: 'POST', headers, body: { kind: 'chat.respond', input } });
}

/** An answer as it comes. */
export class Reading {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #text = '';

  constructor({ body }: Response) {
    if (body === null) throw new Error('an answer without a body');
    this.#reader = body.pipeThrough(new TextDecoderStream()).getReader();
  }

  async until(said: string): Promise<void> {
    while (!this.#text.includes(said)) {
      if (await this.#readOn()) throw new Error(`the answer ended: ${this.#text}`);
    }
  }

  async toEnd(): Promise<string> {
    while (!(await this.#readOn()));
    return this.#text;
  }

  async #readOn(): Promise<boolean> {
    const { done, value = '' } = await this.#reader.read();
    this.#text += value;
    return done;
  }
}

/** Asks for a chat. @returns the id of its action. */
export async function submitted(
  hub: Hub,
  input: object,
  headers: Record<string, string> = {},
): Promise<string> {
  const answer = await hub.ask('/actions', {
    method: 'POST',
    headers,
    body: { kind: 'chat.respond', input },
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${text}`);
  return v.parse(v.object({ id: v.string() }), JSON.parse(text)).id;
}

export async function actionOf(hub: Hub, id: string): Promise<Action> {
  const answer = await hub.ask(`/actions/${encodeURIComponent(id)}`);
  return v.parse(ActionSchema, await answer.json());
}

export function actionOver(hub: Hub, id: string): Promise<Action> {
  return until(() => actionOf(hub, id), isOver);
}

function isOver({ state }: Action): boolean {
  return state === 'completed' || state === 'failed';
}

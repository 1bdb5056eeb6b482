// Actions: a chat through the hub to the node that shall answer, over that node's own socket. Its life is readable, its end
// is always told, and whoever waits never waits in silence.

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { RELAY_WINDOW_BYTES } from '../../contract/relay-credit.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Hub, reasonOf, SHARD } from '../support/hub.ts';
import {
  actionOf,
  actionOver,
  linkedAlone,
  Reading,
  RelayNode,
  streamed,
  submitted,
  type Linked,
} from '../support/relay-node.ts';

const CHAT = { kind: 'chat.respond' };
const SSE = { accept: 'text/event-stream' };

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

const stream = (input: object): Promise<Response> => streamed(hub, input);
const linked = (options?: Linked): ReturnType<typeof linkedAlone> => linkedAlone(hub, options);

test('a chat: accepted at once, signed and relayed to the node that has the model, its reply kept', async () => {
  const { at, model } = await linked();
  const answer = await hub.ask('/actions', {
    method: 'POST',
    body: {
      ...CHAT,
      input: { prompt: 'Hi', model, temperature: 0.5, max_tokens: 7, project: 'p', agent: 'a' },
    },
  });
  expect(answer.status).toBe(202);
  const accepted = await answer.json();
  expect(accepted).toEqual({
    id: expect.stringMatching(new RegExp(`^${at.node}:act-`)),
    kind: 'chat.respond',
    state: 'running',
    node: at.node,
    runtime: 'llama.70b',
  });
  const { id } = Object(accepted);
  expect(answer.headers.get('location')).toBe(`/actions/${encodeURIComponent(id)}`);

  const open = await at.asked();
  expect(open).toMatchObject({ id, method: 'POST', path: '/v1/chat/completions' });
  const { text } = await at.body(open);
  expect(open.headers['content-length']).toBe(String(Buffer.byteLength(text)));
  expect(JSON.parse(text)).toEqual({
    model: `llama.70b/${model}`,
    messages: [{ role: 'user', content: 'Hi' }],
    stream: false,
    temperature: 0.5,
    max_tokens: 7,
  });
  expect(await actionOf(hub, id)).toMatchObject({
    id,
    kind: 'chat.respond',
    state: 'running',
    project: 'p',
    agent: 'a',
  });

  at.reply(open, 'Hello.');
  expect(await actionOver(hub, id)).toMatchObject({
    state: 'completed',
    output: {
      backend: 'llama.cpp',
      model,
      node: at.node,
      runtime: 'llama.70b',
      reply: { role: 'assistant', content: 'Hello.' },
      latency_ms: expect.any(Number),
    },
  });
  // The prompt is kept nowhere.
  const rows = await hub.sql(SHARD, 'SELECT * FROM actions WHERE id = ?', id);
  expect(JSON.stringify(rows)).not.toContain('Hi');
});

test("a stream: the engine's bytes as they are, whatever they are", async () => {
  const { at, model } = await linked();
  const asking = stream({ prompt: 'Hi', model });
  const open = await at.asked();
  expect(JSON.parse((await at.body(open)).text)).toMatchObject({ stream: true });
  at.head(open, 'text/event-stream');
  const answer = await asking;
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  expect(answer.headers.get('x-arw-node')).toBe(at.node);
  expect(answer.headers.get('x-arw-runtime')).toBe('llama.70b');
  const parts = [Buffer.from('data: ün'), randomBytes(16_000), Buffer.from([0, 255, 10, 10]), randomBytes(3)];
  for (const part of parts) at.chunk(open, part);
  at.end(open);
  expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.concat(parts))).toBe(true);

  const id = answer.headers.get('x-arw-action') ?? '';
  const action = await actionOver(hub, id);
  expect(action).toMatchObject({ state: 'completed', output: { model, node: at.node } });
  expect(action.output?.reply).toBeUndefined();
});

test('a request larger than any frame reaches the node whole, no faster than the node grants', async () => {
  const { at, model } = await linked();
  const prompt = randomBytes(500_000).toString('base64');
  const id = await submitted(hub, { prompt, model });
  const open = await at.asked();
  await eventually('the window is used up', () => bytesOf(at) >= RELAY_WINDOW_BYTES);
  expect(bytesOf(at)).toBe(RELAY_WINDOW_BYTES);
  const { text, pieces } = await at.body(open);
  expect(JSON.parse(text)).toMatchObject({ messages: [{ content: prompt }] });
  expect(pieces).toBeGreaterThan(40);
  at.reply(open, 'Long.');
  expect((await actionOver(hub, id)).state).toBe('completed');
});

function bytesOf(at: RelayNode): number {
  return at.client.records.reduce(
    (sum, record) => sum + (record.kind === 'chunk' ? record.payload.length : 0),
    0,
  );
}

test('a cancel reaches the node, and the action says so, then and later', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  const open = await at.asked();
  const path = `/actions/${encodeURIComponent(id)}`;
  const cancelled = await hub.ask(path, { method: 'DELETE' });
  expect(await cancelled.json()).toMatchObject({ id, state: 'failed', error: { reason: 'cancelled' } });
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });

  // What was on its way is nobody's: the node is told again, and the action stays as it is.
  at.reply(open, 'Too late.');
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });
  const again = await hub.ask(path, { method: 'DELETE' });
  expect(await again.json()).toMatchObject({ state: 'failed', error: { reason: 'cancelled' } });
});

test('a reader that goes away cancels at the node', async () => {
  const { at, model } = await linked();
  const body = JSON.stringify({ ...CHAT, input: { prompt: 'Hi', model } });
  const reader = request(new URL('/actions', hub.url), {
    method: 'POST',
    agent: false,
    headers: { ...SSE, authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
  });
  reader.on('error', () => undefined);
  reader.on('response', (answer) => answer.on('error', () => undefined).once('data', () => reader.destroy()));
  reader.end(body);
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  const stopped = at.client.next('relay.cancel');
  // That a reader has gone is found out by writing to it.
  const writing = setInterval(() => at.chunk(open, 'data: x\n\n'), 10);
  expect(await stopped.finally(() => clearInterval(writing))).toMatchObject({ stream: open.stream });
  expect(await actionOver(hub, open.id)).toMatchObject({ state: 'failed', error: { reason: 'cancelled' } });
});

test('a node whose socket closes is told at once: in the action, and as the last event of a stream', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  const asking = stream({ prompt: 'Hi', model });
  await at.asked();
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  at.chunk(open, 'data: {"half');
  const answer = await asking;
  const reading = new Reading(answer);
  // A socket that breaks takes along what was not read yet.
  await reading.until('data: {"half');
  at.client.socket.terminate();
  expect(await actionOver(hub, id)).toMatchObject({ state: 'failed', error: { reason: 'node-gone' } });
  const text = await reading.toEnd();
  expect(text).toMatch(/^data: \{"half\n\nevent: error\ndata: .*"code":"node_gone".*\n\n$/);
});

// How soon is told by relay-liveness.test.ts: here nothing but the machine would be measured.
test('a host that vanishes without a close is told', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  await at.asked();
  at.client.isAlive = false;
  expect(await actionOver(hub, id)).toMatchObject({
    state: 'failed',
    error: { reason: 'node-silent' },
  });
  expect(await reasonOf(await streamRefused({ prompt: 'Hi', model }, at))).toBe('node-silent');
});

async function streamRefused(input: object, at: RelayNode): Promise<Response> {
  const asking = stream(input);
  await at.asked();
  return asking;
}

test('a node that thinks for long, and lives, is waited for', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  const open = await at.asked();
  // Longer than any silence that is put up with: it answers the questions for a sign of life.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect((await actionOf(hub, id)).state).toBe('running');
  at.reply(open, 'At last.');
  expect((await actionOver(hub, id)).state).toBe('completed');
});

// The platform evicts no object that waits for an answer; one that dies is told in selfhost-crash.test.ts.
test('an object that lost its memory calls what ran failed, tells the node to stop, and carries the next one', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  const open = await at.asked();
  at.reply(open, 'Hello.');
  await actionOver(hub, id);
  const asRunning = "UPDATE actions SET state = 'running', finished_at = NULL, output = NULL WHERE id = ?";
  await hub.sql(SHARD, asRunning, id);
  await hub.evict(SHARD);
  expect(await actionOf(hub, id)).toMatchObject({ state: 'failed', error: { reason: 'hub-restarted' } });
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });

  // The socket has outlived it, and carries the next one.
  const next = await submitted(hub, { prompt: 'Hi', model });
  at.reply(await at.asked(), 'Again.');
  await actionOver(hub, next);
  await hub.evict(SHARD);
  expect(await actionOf(hub, next)).toMatchObject({
    state: 'completed',
    output: { reply: { content: 'Again.' } },
  });
});

test('twenty at once over one socket, mixed as they come: each gets its own', async () => {
  const { at, model } = await linked();
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const asking = numbers.map((index) => stream({ prompt: String(index), model }));
  const opened = [];
  for (const _ of numbers) {
    const open = await at.asked();
    const { messages } = Object(JSON.parse((await at.body(open)).text));
    opened.push({ open, index: Number(messages[0].content) });
    at.head(open, 'text/event-stream');
  }
  for (let round = 0; round < 5; round += 1) {
    for (const { open, index } of opened) at.chunk(open, `${index}-${round};`);
  }
  for (const { open } of opened) at.end(open);
  const texts = await Promise.all(asking.map(async (answer) => (await answer).text()));
  expect(texts).toEqual(
    numbers.map((index) => [0, 1, 2, 3, 4].map((round) => `${index}-${round};`).join('')),
  );
});

test('a slow reader holds no more than the window, and a node that sends beyond it is cut off', async () => {
  const { at, model } = await linked();
  const asking = stream({ prompt: 'Hi', model });
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  const answer = await asking;
  onTestFinished(() => answer.body?.cancel());
  // Nobody reads: what buffers between hub and reader take is granted anew, and then nothing is.
  const piece = Buffer.alloc(16 * 1024, 'x');
  let sent = 0;
  const isStuck = async (): Promise<boolean> => {
    while (sent + piece.length <= RELAY_WINDOW_BYTES + at.granted(open)) {
      at.chunk(open, piece);
      sent += piece.length;
    }
    const before = at.granted(open);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return at.granted(open) === before;
  };
  while (!(await isStuck())) if (sent > 64 * 1024 * 1024) throw new Error('the hub takes it all');
  // Whatever is granted late: nobody reads, so more than was granted is soon sent.
  const cancelled = await eventually('the end of it', () => {
    at.chunk(open, piece);
    return at.client.frames.find(({ type }) => type === 'relay.cancel');
  });
  expect(cancelled).toMatchObject({ stream: open.stream });
  expect(await actionOver(hub, open.id)).toMatchObject({ error: { reason: 'window-exceeded' } });
});

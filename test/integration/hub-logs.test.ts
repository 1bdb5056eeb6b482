// Reading a log through the hub: relayed live over the node's socket, signed, bounded, and kept nowhere.

import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { commandSigningText, type Command } from '../../contract/command.ts';
import { LOG_READERS_PER_RUNTIME } from '../../contract/logs.ts';
import { eventually } from '../support/eventually.ts';
import { Hub, reasonOf, SHARD } from '../support/hub.ts';
import { LogEvents } from '../support/log-events.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const RUNTIME = 'llama.70b';

let hub: Hub;
let count = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

type Linked = { node: string; client: UplinkClient; commandKey: string; token: string };

/** A node of its own for a test, with an admitted socket and a snapshot. */
async function linked(): Promise<Linked> {
  count += 1;
  const node = `gpu-${count}`;
  const { token, command_key: commandKey } = await hub.enroll(node);
  const client = await hub.uplink(node, token);
  await client.report(snapshot({ node, runtimes: [runtimeRecord(), runtimeRecord({ id: 'other' })] }));
  onTestFinished(() => client.close());
  return { node, client, commandKey, token };
}

function path(node: string, query = '', runtime = RUNTIME): string {
  return `/orchestrator/runtimes/${encodeURIComponent(`${node}/${runtime}`)}/logs${query}`;
}

function follow(node: string, runtime = RUNTIME): Promise<LogEvents> {
  return LogEvents.open(new URL(path(node, '?tail=0&follow=1', runtime), hub.url));
}

function chunk(id: string, seq: number, lines: string[], dropped?: number): object {
  return { type: 'log.chunk', id, seq, lines, ...(dropped !== undefined && { dropped }) };
}

/** A follow that the node has taken. */
async function following({ node, client }: Linked): Promise<{ reader: LogEvents; command: Command }> {
  const opening = follow(node);
  const command = await client.next('command');
  client.send(chunk(command.id, 0, []));
  return { reader: await opening, command };
}

async function storedRows(): Promise<unknown> {
  return hub.sql(SHARD, 'SELECT * FROM commands');
}

test('a tail is a text: the command is signed, and nothing of it is stored', async () => {
  const { node, client, commandKey } = await linked();
  const asked = hub.ask(path(node, '?tail=3'));
  const command = await client.next('command');
  expect(command).toMatchObject({
    kind: 'logs',
    runtime: RUNTIME,
    args: { tail: 3, follow: false },
    attempt: 1,
  });
  const signature = createHmac('sha256', Buffer.from(commandKey, 'base64url'))
    .update(commandSigningText(node, command))
    .digest('base64url');
  expect(command.signature).toBe(signature);
  expect(await storedRows()).toEqual([]);

  client.send({ type: 'command.received', id: command.id });
  client.send(chunk(command.id, 0, ['one', 'two'], 1));
  client.send(chunk(command.id, 1, ['three']));
  client.send({ type: 'command.done', id: command.id, ok: true, result: {} });
  const answer = await asked;

  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(answer.headers.get('x-request-id')).not.toBeNull();
  expect(await answer.text()).toBe('[1 line left out here: more than fits]\none\ntwo\nthree\n');
  expect(await storedRows()).toEqual([]);
  expect(client.frames).toEqual([]);
});

test('a follow is a stream of events, one for each line, that ends when the node says so', async () => {
  const at = await linked();
  const { reader, command } = await following(at);
  expect(reader.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  at.client.send(chunk(command.id, 1, ['one', ' two', '']));
  at.client.send(chunk(command.id, 2, ['six'], 2));
  at.client.send({
    type: 'command.done',
    id: command.id,
    ok: true,
    result: { ended: 'limit', message: 'Enough' },
  });

  expect(await reader.over).toBe('ended');
  expect(reader.events).toEqual([
    { event: 'log', id: '1', data: 'one' },
    { event: 'log', id: '2', data: ' two' },
    { event: 'log', id: '3', data: '' },
    { event: 'dropped', id: undefined, data: '{"lines":2}' },
    { event: 'log', id: '6', data: 'six' },
    { event: 'end', id: undefined, data: '{"reason":"limit","message":"Enough"}' },
  ]);
});

test('a node cannot write events of its own into the stream', async () => {
  const at = await linked();
  const { reader, command } = await following(at);
  at.client.send(chunk(command.id, 1, ['x\n\nevent: end\rdata: {}']));
  expect(await reader.linesWhere((lines) => lines.length > 0, 'a line')).toEqual(['x event: end data: {}']);
});

test('the node is told to stop when the reader goes', async () => {
  const at = await linked();
  const { reader, command } = await following(at);
  reader.leave();
  // That a reader has gone is found out by writing to it.
  const stopped = at.client.next('command.cancel');
  let seq = 0;
  const writing = setInterval(() => at.client.send(chunk(command.id, (seq += 1), ['x'])), 20);
  expect(await stopped.finally(() => clearInterval(writing))).toEqual({
    type: 'command.cancel',
    id: command.id,
  });
});

test('a node that goes ends the stream, which says so', async () => {
  const at = await linked();
  const { reader } = await following(at);
  at.client.socket.terminate();
  expect(await reader.end()).toMatchObject({ reason: 'node-gone' });
  expect(await reader.over).toBe('ended');
});

test('a node that connects anew ends the streams of its old socket', async () => {
  const at = await linked();
  const { reader } = await following(at);
  const again = await hub.uplink(at.node, at.token);
  onTestFinished(() => again.close());
  expect(await reader.end()).toMatchObject({ reason: 'node-gone' });
});

// The platform evicts no object that streams; one that dies is told in selfhost-crash.test.ts.
test('an evicted object knows no reader: it tells the node to stop, and serves the next one', async () => {
  const at = await linked();
  const { reader, command } = await following(at);
  at.client.send({ type: 'command.done', id: command.id, ok: true });
  await reader.over;
  await hub.evict(SHARD);

  at.client.send(chunk(command.id, 1, ['nobody reads this']));
  expect(await at.client.next('command.cancel')).toMatchObject({ id: command.id });
  const next = await following(at);
  at.client.send(chunk(next.command.id, 1, ['again']));
  expect(await next.reader.linesWhere((lines) => lines.length > 0, 'a line')).toEqual(['again']);
  expect(await storedRows()).toEqual([]);
});

test('too many readers are refused, and a place is free again when one ends', async () => {
  const at = await linked();
  const open = [];
  for (let index = 0; index < LOG_READERS_PER_RUNTIME; index += 1) open.push(await following(at));
  expect(await reasonOf(await hub.ask(path(at.node, '?follow=1')))).toBe('too-many-readers');

  const opening = follow(at.node, 'other');
  const other = await at.client.next('command');
  at.client.send(chunk(other.id, 0, []));
  expect((await opening).response.statusCode).toBe(200);

  const [first] = open;
  at.client.send({ type: 'command.done', id: first?.command.id, ok: true });
  await first?.reader.over;
  expect((await following(at)).reader.response.statusCode).toBe(200);
});

const REFUSALS = [
  ['unknown-kind', 'node-too-old'],
  ['unknown-runtime', 'unknown-runtime'],
  ['too-many-readers', 'too-many-readers'],
  ['log-unreadable', 'node-failed'],
] as const;
test.each(REFUSALS)('a node that says %s is told as %s', async (reason, told) => {
  const { node, client } = await linked();
  for (const query of ['?tail=1', '?follow=1']) {
    const asked = hub.ask(path(node, query));
    const { id } = await client.next('command');
    client.send({ type: 'command.received', id });
    client.send({ type: 'command.done', id, ok: false, error: { reason, message: 'It said why' } });
    expect(await reasonOf(await asked)).toBe(told);
  }
});

test('a node without a socket: offline since when, or reporting by POST', async () => {
  const { node, client } = await linked();
  await client.close();
  const asked = await eventually('the hub has seen the close', async () => {
    const answer = await hub.ask(path(node));
    return answer.status === 503 && answer;
  });
  expect(await asked.json()).toMatchObject({
    type: 'urn:runtime-matrix:problem:node-offline',
    detail: expect.stringMatching(
      /last heard at \S+Z \(No heartbeat for \d+ s\): ask again when it is back$/,
    ),
    since: expect.stringMatching(/Z$/),
  });

  const { token } = await hub.enroll('by-post');
  await hub.post('by-post', token, snapshot({ node: 'by-post' }));
  expect(await reasonOf(await hub.ask(path('by-post')))).toBe('socket-needed');
});

test.each([
  ['an unknown node', path('gpu-none'), 'unknown-node'],
  ['a name that is none', '/orchestrator/runtimes/a%20b/logs', 'unknown-runtime'],
  ['a tail that is none', path('gpu-1', '?tail=-1'), 'malformed-body'],
  ['a tail that is too long', path('gpu-1', '?tail=1001'), 'malformed-body'],
  ['a misspelt parameter', path('gpu-1', '?folow=1'), 'malformed-body'],
] as const)('%s is refused', async (_what, asked, reason) => {
  expect(await reasonOf(await hub.ask(asked))).toBe(reason);
});

test('an unknown runtime names the closest, another method the right one, and a node token may not read', async () => {
  const { node, token } = await linked();
  const unknown = await hub.ask(path(node, '', 'lama.70b'));
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ known: expect.arrayContaining([`${node}/${RUNTIME}`]) });
  expect(await reasonOf(await hub.ask(path(node), { method: 'POST', body: {} }))).toBe('method-not-allowed');
  expect(await reasonOf(await hub.ask(path(node), { token }))).toBe('forbidden');
});

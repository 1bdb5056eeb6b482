// Who gets an action and who gets none: the choice of the node, keys, and refusals in words that say what to do.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import {
  actionOver,
  linkedAlone,
  RelayNode,
  streamed,
  submitted,
  type Linked,
} from '../support/relay-node.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const CHAT = { kind: 'chat.respond' };

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

const stream = (input: object): Promise<Response> => streamed(hub, input);
const linked = (options?: Linked): ReturnType<typeof linkedAlone> => linkedAlone(hub, options);

test("what the gateway or the engine refuses is told in their words, and an engine's failure as that", async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  const open = await at.asked();
  at.head(open, 'application/problem+json', 503);
  const document = {
    type: 'urn:runtime-matrix:problem:runtime-not-ready',
    title: 'T',
    status: 503,
    detail: 'It loads',
  };
  at.chunk(open, JSON.stringify(document));
  at.end(open);
  expect(await actionOver(hub, id)).toMatchObject({
    error: { reason: 'runtime-not-ready', message: 'It loads' },
  });

  const asking = stream({ prompt: 'Hi', model });
  const next = await at.asked();
  at.head(next, 'application/json', 400);
  at.chunk(next, '{"error":{"message":"too many tokens"}}');
  at.end(next);
  const refused = await asking;
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    detail: 'The runtime answered 400: too many tokens',
    action_id: next.id,
  });

  const failing = await submitted(hub, { prompt: 'Hi', model });
  const broken = await at.asked();
  const error = { reason: 'runtime-failed', message: 'the runtime broke off its answer' };
  at.client.send({ type: 'relay.end', stream: broken.stream, ok: false, error });
  expect(await actionOver(hub, failing)).toMatchObject({ state: 'failed', error });
});

test('the node that is named gets it; without a name the least loaded ready runtime that has the model', async () => {
  const model = 'shared-1';
  const busy = (inflight: number, state: 'ready' | 'degraded' = 'ready') => {
    const record = runtimeRecord({ model, state });
    return {
      ...record,
      status: { ...record.status, health: { capacity: 4, inflight_jobs: inflight, queued_jobs: 0 } },
    };
  };
  const full = await RelayNode.linked(hub, 'full-1', { runtimes: [busy(3)] });
  const idle = await RelayNode.linked(hub, 'idle-1', { runtimes: [busy(1)] });
  await RelayNode.linked(hub, 'ill-1', { runtimes: [busy(0, 'degraded')] });
  await submitted(hub, { prompt: 'Hi', model });
  expect((await idle.asked()).id).toMatch(/^idle-/);
  // What was sent since that node's last word counts: it has two now, and the other three.
  await submitted(hub, { prompt: 'Hi', model });
  expect((await idle.asked()).id).toMatch(/^idle-/);
  await submitted(hub, { prompt: 'Hi', model, node: full.node });
  expect((await full.asked()).id).toMatch(/^full-/);
});

test('an idempotency key makes a repeat the first one, and with another input it is taken', async () => {
  const { at, model } = await linked();
  const headers = { 'idempotency-key': 'key-1' };
  const first = await submitted(hub, { prompt: 'Hi', model }, headers);
  const open = await at.asked();
  const again = await hub.ask('/actions', {
    method: 'POST',
    headers,
    body: { ...CHAT, input: { prompt: 'Hi', model } },
  });
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(await again.json()).toMatchObject({ id: first });
  const other = await hub.ask('/actions', {
    method: 'POST',
    headers,
    body: { ...CHAT, input: { prompt: 'Ho', model } },
  });
  expect(await reasonOf(other)).toBe('key-taken');
  at.reply(open, 'Once.');
  await actionOver(hub, first);
  expect(at.client.frames.filter(({ type }) => type === 'relay.open')).toEqual([]);
});

test('a node that cannot be relayed to is told apart: by POST, too old, gone, unknown', async () => {
  const { token } = await hub.enroll('relay-by-post');
  await hub.post('relay-by-post', token, snapshot({ node: 'relay-by-post' }));
  const ask = (node: string) =>
    hub.ask('/actions', { method: 'POST', body: { ...CHAT, input: { prompt: 'Hi', node } } });
  expect(await reasonOf(await ask('relay-by-post'))).toBe('socket-needed');

  const { at: old } = await linked({ features: [] });
  expect(await reasonOf(await ask(old.node))).toBe('node-too-old');

  const { at: gone } = await linked();
  await gone.client.close();
  const offline = await eventually('the hub has seen the close', async () => {
    const answer = await ask(gone.node);
    return answer.status === 503 && answer;
  });
  expect(await reasonOf(offline)).toBe('node-offline');
  expect(await reasonOf(await ask('relay-nobody'))).toBe('unknown-node');
});

test('a model that nobody has names the closest; one that is not ready says why', async () => {
  const { at, model } = await linked();
  const unknown = await hub.ask('/actions', {
    method: 'POST',
    body: { ...CHAT, input: { prompt: 'Hi', model: `${model}x`, node: at.node } },
  });
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ closest: expect.arrayContaining([model]) });

  const runtimes = [runtimeRecord({ model: 'down-1', state: 'starting' })];
  await RelayNode.linked(hub, 'down-1', { runtimes });
  const answer = await hub.ask('/actions', {
    method: 'POST',
    body: { ...CHAT, input: { prompt: 'Hi', model: 'down-1' } },
  });
  expect(await reasonOf(answer)).toBe('runtime-not-ready');
});

test.each([
  ['neither prompt nor messages', {}],
  ['both', { prompt: 'x', messages: [{ role: 'user', content: 'x' }] }],
  ['an unknown member', { prompt: 'x', tokens: 3 }],
  ['no messages', { messages: [] }],
] as const)('an input with %s is refused', async (_what, input) => {
  expect(await reasonOf(await hub.ask('/actions', { method: 'POST', body: { ...CHAT, input } }))).toBe(
    'malformed-body',
  );
});

test('an unknown kind, an unknown action, another method, a node token and too large a body are refused', async () => {
  const body = { kind: 'dream', input: { prompt: 'x' } };
  expect(await reasonOf(await hub.ask('/actions', { method: 'POST', body }))).toBe('malformed-body');
  expect(await reasonOf(await hub.ask('/actions/gpu-1:act-none'))).toBe('unknown-action');
  expect(await reasonOf(await hub.ask('/actions/none', { method: 'DELETE' }))).toBe('unknown-action');
  expect(await reasonOf(await hub.ask('/actions', { method: 'PUT', body: {} }))).toBe('method-not-allowed');
  const { at } = await linked();
  expect(await reasonOf(await hub.ask('/actions/x', { token: at.token }))).toBe('forbidden');
  const large = { ...CHAT, input: { prompt: 'x'.repeat(4 * 1024 * 1024) } };
  expect(await reasonOf(await hub.ask('/actions', { method: 'POST', body: large }))).toBe('body-too-large');
});

test('what is over is removed after an hour', async () => {
  const { at, model } = await linked();
  const id = await submitted(hub, { prompt: 'Hi', model });
  at.reply(await at.asked(), 'Bye.');
  await actionOver(hub, id);
  await hub.sql(SHARD, 'UPDATE actions SET finished_at = finished_at - 3600000 WHERE id = ?', id);
  await hub.evict(SHARD);
  // Whatever arms the alarm next finds it due.
  await submitted(hub, { prompt: 'Hi', model });
  at.reply(await at.asked(), 'Bye.');
  const path = `/actions/${encodeURIComponent(id)}`;
  const gone = await until(
    () => hub.ask(path),
    ({ status }) => status !== 200,
  );
  expect(await reasonOf(gone)).toBe('unknown-action');
});

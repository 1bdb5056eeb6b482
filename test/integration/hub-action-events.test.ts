// The lives of actions and models as events: each step once, and nothing of what was asked or answered.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { SseReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { Hub, SHARD } from '../support/hub.ts';
import { actionOver, RelayNode, submitted } from '../support/relay-node.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

/** The kinds that were told of an action, once its end is among them. */
async function life(reader: SseReader, id: string): Promise<string[]> {
  return eventually(`the end of ${id}`, () => {
    const kinds = reader.events.filter(({ payload }) => payload['id'] === id).map(({ kind }) => kind);
    return kinds.length > 0 && /completed|failed/.test(kinds.at(-1) ?? '') && kinds;
  });
}

test('an action is told from its submission to its end', async () => {
  const reader = await SseReader.open(hub.url, { query: '?prefix=actions.' });
  const at = await RelayNode.linked(hub, 'told', { runtimes: [runtimeRecord({ model: 'told' })] });
  const id = await submitted(hub, { prompt: 'a secret question', model: 'told', project: 'p' });
  at.reply(await at.asked(), 'a secret answer');
  await actionOver(hub, id);
  expect(await life(reader, id)).toEqual(['actions.submitted', 'actions.running', 'actions.completed']);
  expect(reader.events.at(-1)?.payload).toEqual({
    id,
    kind: 'chat.respond',
    node: 'told',
    runtime: 'llama.70b',
    backend: 'llama.cpp',
    model: 'told',
    project: 'p',
    latency_ms: expect.any(Number),
  });
  expect(JSON.stringify(reader.events)).not.toContain('secret');
});

test('one whose object lost its memory has failed, once', async () => {
  const reader = await SseReader.open(hub.url, { query: '?prefix=actions.' });
  const at = await RelayNode.linked(hub, 'lost', { runtimes: [runtimeRecord({ model: 'lost' })] });
  const id = await submitted(hub, { prompt: 'Hi', model: 'lost' });
  at.reply(await at.asked(), 'Hello.');
  await actionOver(hub, id);
  await life(reader, id);
  // The platform evicts no object that waits for an answer: as if it had died then.
  const asRunning = "UPDATE actions SET state = 'running', finished_at = NULL, output = NULL WHERE id = ?";
  await hub.sql(SHARD, asRunning, id);
  await hub.evict(SHARD);
  await actionOver(hub, id);
  await hub.evict(SHARD);
  await actionOver(hub, id);
  await reader.next('actions.failed', (told) => told['id'] === id);
  expect(await life(reader, id)).toEqual([
    'actions.submitted',
    'actions.running',
    'actions.completed',
    'actions.failed',
  ]);
  const { payload } = await reader.next('actions.failed', (told) => told['id'] === id);
  expect(payload['error']).toMatchObject({ reason: 'hub-restarted' });
});

test('models are told as they come, change and go', async () => {
  const reader = await SseReader.open(hub.url, { query: '?prefix=models.' });
  const { token } = await hub.enroll('models');
  const say = async (seq: number, models: string[]): Promise<void> => {
    const runtimes = models.map((model) => runtimeRecord({ id: `r-${model}`, model }));
    await (await hub.post('models', token, snapshot({ node: 'models', seq, runtimes }))).body?.cancel();
  };
  await say(1, ['a']);
  await say(2, ['a']);
  await say(3, ['a', 'b']);
  await hub.ask('/nodes/models', { method: 'DELETE' });
  const told = await eventually('three changes', () => {
    const ours = reader.of('models.changed').filter(({ payload }) => payload['node'] === 'models');
    return ours.length >= 3 && ours.map(({ payload }) => payload['changes']);
  });
  expect(told).toEqual([
    [{ runtime: 'r-a', model: 'a', to: 'loaded' }],
    [{ runtime: 'r-b', model: 'b', to: 'loaded' }],
    [
      { runtime: 'r-a', model: 'a', from: 'loaded' },
      { runtime: 'r-b', model: 'b', from: 'loaded' },
    ],
  ]);
});

// `models.changed` as a subscriber hears it: from two shards, through evictions, and to the end of a node.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { ModelsChangedSchema, type ModelChange } from '../../contract/models-changed.ts';
import type { Model } from '../../contract/runtime-record.ts';
import { SseReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET, Hub } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const SHARDS = ['shard-0', 'shard-1'].map((name) => ({ class: 'NodeShard' as const, name }));

let hub: Hub;
const tokens = new Map<string, string>();
beforeAll(async () => {
  hub = await Hub.start({ vars: { FLEET_SHARDS: '2' } });
  for (const node of ['n0', 'n1', 'n2', 'n3']) tokens.set(node, (await hub.enroll(node)).token);
});
afterAll(() => hub.stop());

async function say(node: string, seq: number, models: Record<string, Model['state']>): Promise<void> {
  const record = runtimeRecord({ id: 'router' });
  record.descriptor.models = Object.entries(models).map(([id, state]) => ({ id, state }));
  const answer = await hub.post(node, tokens.get(node) ?? '', snapshot({ node, seq, runtimes: [record] }));
  expect(answer.status).toBe(200);
}

/** The changes that a reader heard of a node, once there are so many. */
async function heard(reader: SseReader, node: string, count: number): Promise<ModelChange[]> {
  return eventually(`${count} changes of ${node}`, () => {
    const told = reader
      .of('models.changed')
      .map(({ payload }) => v.parse(ModelsChangedSchema, payload))
      .filter((payload) => payload.node === node);
    const changes = told.flatMap((payload) => payload.changes);
    return changes.length >= count && changes;
  });
}

test('models are told of when they come, change and go, wherever their node lives', async () => {
  const reader = await SseReader.open(hub.url, { query: '?prefix=models.' });
  for (const node of tokens.keys()) {
    await say(node, 1, { small: 'loaded', large: 'unloaded' });
    await say(node, 2, { small: 'loaded', large: 'loading' });
    await say(node, 3, { small: 'loaded', large: 'loaded' });
    await say(node, 4, { large: 'loaded' });
  }
  for (const node of tokens.keys()) {
    expect(await heard(reader, node, 5)).toEqual([
      { runtime: 'router', model: 'small', to: 'loaded' },
      { runtime: 'router', model: 'large', to: 'unloaded' },
      { runtime: 'router', model: 'large', from: 'unloaded', to: 'loading' },
      { runtime: 'router', model: 'large', from: 'loading', to: 'loaded' },
      { runtime: 'router', model: 'small', from: 'loaded' },
    ]);
  }
});

test('a heartbeat after an eviction of every object is no news, and a change after it is', async () => {
  for (const object of [...SHARDS, FLEET]) await hub.evict(object);
  const reader = await SseReader.open(hub.url, { query: '?prefix=models.' });
  await say('n0', 5, { large: 'loaded' });
  await say('n0', 6, { large: 'failed' });
  expect(await heard(reader, 'n0', 1)).toEqual([
    { runtime: 'router', model: 'large', from: 'loaded', to: 'failed' },
  ]);
});

test('with a node that is removed its models are gone', async () => {
  const reader = await SseReader.open(hub.url, { query: '?prefix=models.' });
  expect((await hub.ask('/nodes/n1', { method: 'DELETE' })).status).toBe(204);
  expect(await heard(reader, 'n1', 1)).toEqual([{ runtime: 'router', model: 'large', from: 'loaded' }]);
});

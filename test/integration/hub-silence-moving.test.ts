// Silence of a node while the number of shards changes: told by whoever it belongs to now, and told once.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { SseReader } from '../support/event-reader.ts';
import { Hub, SHARD } from '../support/hub.ts';
import { snapshot } from '../support/snapshot.ts';

const MANY = 4;
/** One that lives elsewhere once there are more shards. */
const NODE = Array.from({ length: 9 }, (_, index) => `gpu-${index}`).find((node) => shardOf(node, MANY) > 0);

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start({ vars: vars(1) });
});
afterAll(() => hub.stop());

function vars(shards: number): Record<string, string> {
  return { FLEET_SHARDS: String(shards) };
}

/** All that was ever told of nodes, and what is told from now on. */
const everything = (): Promise<SseReader> => SseReader.open(hub.url, { query: '?prefix=node.&replay=100' });

test('a node that falls silent while the fleet is deployed with other shards, and that nobody reads', async () => {
  const node = NODE ?? '';
  const { token } = await hub.enroll(node);
  await hub.post(node, token, snapshot({ node, seq: 1 }));
  await hub.redeploy(vars(MANY));
  const reader = await everything();
  // Its former home wakes at the end of its TTL, as the alarm of before would wake it.
  await hub.sql(SHARD, 'UPDATE snapshots SET received_at = received_at - 75000 WHERE node = ?', node);
  await hub.evict(SHARD);
  await hub.sql(SHARD, 'SELECT 1');
  const { payload } = await reader.next('node.stale');
  expect(payload['node']).toBe(node);
  reader.leave();

  // Back where it was: that its silence was told is known there too.
  await hub.redeploy(vars(1));
  const last = await everything();
  await hub.matrixWhere(({ items }) => items[node]?.stale === true);
  // Whatever is due is told by now: a change of the registry lets its shard look.
  await hub.enroll('onlooker');
  await hub.enroll('onlooker-2');
  await hub.post(node, token, snapshot({ node, seq: 2 }));
  await last.next('node.online', (told) => 'silent_since' in told);
  expect(last.kinds).toEqual(['node.online', 'node.stale', 'node.online']);
}, 30_000);

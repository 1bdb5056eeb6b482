// Silence as an event: once for each, in time, whatever happens to the object or to its alarm meanwhile.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SseReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { Hub, SHARD, until } from '../support/hub.ts';
import { snapshot } from '../support/snapshot.ts';

const TTL_MS = 10_000;
const HOUR_MS = 3_600_000;

let hub: Hub;
let node: string;
let token: string;
let seq = 0;
let count = 0;
beforeAll(async () => {
  hub = await Hub.start({ vars: { ARW_RUNTIME_MATRIX_TTL_SEC: String(TTL_MS / 1000) } });
});
afterAll(() => hub.stop());
beforeEach(async () => {
  count += 1;
  node = `gpu-${count}`;
  ({ token } = await hub.enroll(node));
});

const isOurs = (payload: Record<string, unknown>): boolean => payload['node'] === node;

async function report(): Promise<void> {
  seq += 1;
  await (await hub.post(node, token, snapshot({ node, seq }))).body?.cancel();
}

/** Makes the last word of the node so old, as if the object had slept since. */
async function age(ms: number): Promise<void> {
  await hub.sql(SHARD, 'UPDATE snapshots SET received_at = ? WHERE node = ?', Date.now() - ms, node);
  await hub.evict(SHARD);
}

/** Any change of the registry lets the object look at its deadlines: an alarm that is overdue fires. */
async function alarm(): Promise<void> {
  count += 1;
  await hub.enroll(`onlooker-${count}`);
}

/** From now on: what happened before was told before. */
async function listening(): Promise<SseReader> {
  await hub.toldFleet();
  return SseReader.open(hub.url, { query: '?prefix=node.' });
}

/** The words of a silence that was told at the time. */
function wordsAt(time: string, { received_at: heardAt }: Record<string, unknown>): string {
  const seconds = Math.floor((Date.parse(time) - Date.parse(String(heardAt))) / 1000);
  return `Offline - No heartbeat for ${seconds} s`;
}

const kinds = (reader: SseReader): string[] =>
  reader.events.filter(({ payload }) => isOurs(payload)).map(({ kind }) => kind);

// How soon after it depends on the machine that runs this test.
test('is told once the TTL is over and never before, also by an object that was evicted since', async () => {
  const reader = await listening();
  await report();
  await hub.evict(SHARD);
  const { time, payload } = await eventually(
    'the silence',
    () => reader.of('node.stale').find(({ payload: told }) => isOurs(told)),
    30_000,
  );
  expect(Date.parse(time)).toBeGreaterThanOrEqual(Date.parse(String(payload['expires_at'])));
  expect(Date.parse(String(payload['expires_at'])) - Date.parse(String(payload['received_at']))).toBe(TTL_MS);
  expect(payload['label']).toBe(wordsAt(time, payload));
  await hub.matrixWhere(({ items }) => items[node]?.stale === true);

  await report();
  const online = await reader.next('node.online', (told) => isOurs(told) && 'silent_since' in told);
  expect(online.payload['silent_since']).toBe(payload['received_at']);
  expect(kinds(reader)).toEqual(['node.online', 'node.stale', 'node.online']);
}, 40_000);

test('is told once by an alarm that comes late, and comes again', async () => {
  await report();
  const reader = await listening();
  await age(75_000);
  await alarm();
  const { time, payload } = await reader.next('node.stale', isOurs);
  expect(payload['label']).toBe(wordsAt(time, payload));
  await alarm();
  await hub.evict(SHARD);
  await alarm();
  await hub.evict(SHARD);
  // The next news of the node comes after whatever else would have been told.
  await report();
  await reader.next('node.online', isOurs);
  expect(kinds(reader)).toEqual(['node.stale', 'node.online']);
});

test('of a node that spoke before the alarm came is none', async () => {
  await report();
  const reader = await listening();
  await age(75_000);
  await report();
  await alarm();
  await alarm();
  await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
  await reader.next('node.removed', isOurs);
  expect(kinds(reader)).toEqual(['node.removed']);
});

test('that lasts for the retention time ends in a removal', async () => {
  await report();
  const reader = await listening();
  await age(24 * HOUR_MS + 1000);
  const [row] = await hub.sql(SHARD, 'SELECT received_at FROM snapshots WHERE node = ?', node);
  await alarm();
  const { payload } = await reader.next('node.removed', isOurs);
  const heardAt = new Date(Number(row?.['received_at'])).toISOString();
  expect(payload).toEqual({ node, reason: 'retention', received_at: heardAt });
  await hub.matrixWhere(({ items }) => !(node in items));
  await report();
  await reader.next('node.online', isOurs);
  expect(kinds(reader)).toEqual(['node.removed', 'node.online']);
});

test('of many nodes is told of each', async () => {
  const reader = await listening();
  const names = Array.from({ length: 20 }, (_, index) => `many-${count}-${index}`);
  for (const name of names) {
    const { token: own } = await hub.enroll(name);
    await (await hub.post(name, own, snapshot({ node: name }))).body?.cancel();
  }
  await hub.sql(SHARD, "UPDATE snapshots SET received_at = received_at - 20000 WHERE node LIKE 'many-%'");
  await hub.evict(SHARD);
  await alarm();
  const told = await until(
    async () => reader.of('node.stale').map(({ payload }) => String(payload['node'])),
    (nodes) => names.every((name) => nodes.includes(name)),
  );
  expect(told.filter((name) => names.includes(name))).toHaveLength(names.length);
});

// Events as subscribers hear them: over both ways, filtered, resumed, over lives of the objects, and cut off with a word.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SseReader, SocketReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET, Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { RuntimeState } from '../../contract/words.ts';

let hub: Hub;
let node: string;
let token: string;
let seq = 0;
let count = 0;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());
beforeEach(async () => {
  count += 1;
  node = `gpu-${count}`;
  ({ token } = await hub.enroll(node));
});

/** The node says that its runtime is in this state. */
async function say(state: RuntimeState): Promise<void> {
  seq += 1;
  const answer = await hub.post(node, token, snapshot({ node, seq, runtimes: [runtimeRecord({ state })] }));
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
}

const isOurs = (payload: Record<string, unknown>): boolean => payload['node'] === node;

/** How a reader that was away is told of the states of this test's node. */
async function states(reader: SseReader | SocketReader, wanted: number): Promise<unknown[]> {
  return eventually(`${wanted} changes of ${node}`, () => {
    const told = reader.of('runtime.state.changed').filter(({ payload }) => isOurs(payload));
    return told.length >= wanted && told.map(({ payload }) => payload['to']);
  });
}

describe('a subscriber', () => {
  test('hears a change with its number, its kind and its payload, over both ways alike', async () => {
    const [sse, socket] = await Promise.all([
      SseReader.open(hub.url, { query: '?prefix=runtime.state.,node.' }),
      SocketReader.open(hub.url, { query: '?prefix=runtime.state.,node.' }),
    ]);
    expect(sse.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(sse.response.headers['x-request-id']).toBeDefined();
    expect(socket.socket.protocol).toBe('arw.events.v1');
    await say('ready');
    await say('degraded');
    await sse.next('runtime.state.changed', ({ to }) => to === 'degraded');
    await socket.next('runtime.state.changed', ({ to }) => to === 'degraded');

    expect(sse.kinds).toEqual(['node.online', 'runtime.state.changed', 'runtime.state.changed']);
    expect(sse.events).toEqual(socket.events);
    expect(sse.events.at(-1)).toMatchObject({
      id: expect.stringMatching(/^\d+$/),
      payload: { node, runtime: 'llama.70b', from: 'ready', to: 'degraded', summary: 'Degraded' },
    });
    const ids = sse.events.map(({ id }) => Number(id));
    expect(ids.toSorted((a, b) => a - b)).toEqual(ids);
  });

  test('hears only what its prefixes name, and nothing of heartbeats', async () => {
    await say('ready');
    await hub.toldFleet();
    const changes = await SseReader.open(hub.url, { query: '?prefix=runtime.state.' });
    const health = await SseReader.open(hub.url, { query: '?prefix=runtime.health' });
    for (let beat = 0; beat < 20; beat += 1) await say('ready');
    await health.next('runtime.health', (payload) => payload['target'] === node && payload['seq'] === seq);
    expect(changes.bytes).toBe(0);
    await say('error');
    await changes.next('runtime.state.changed');
    expect(changes.kinds).toEqual(['runtime.state.changed']);
    expect(new Set(health.kinds)).toEqual(new Set(['runtime.health']));
  });

  test('hears of a restore from its request to its end', async () => {
    await say('ready');
    const uplink = await hub.uplink(node, token);
    const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.restore.,jobs.' });
    const path = `/orchestrator/runtimes/${node}%2Fllama.70b/restore`;
    const asked = await hub.ask(path, { method: 'POST', body: { force: true } });
    const { job_id: id } = Object(await asked.json());
    const requested = await reader.next('runtime.restore.requested', isOurs);
    expect(requested.payload).toEqual({ node, runtime: 'llama.70b', job_id: id, args: { force: true } });
    uplink.send({ type: 'command.done', id, ok: true, result: { state: 'ready' } });
    const completed = await reader.next('runtime.restore.completed', isOurs);
    expect(completed.payload).toMatchObject({ job_id: id, ok: true, state: 'completed' });
    const steps = reader.of('jobs.changed').filter(({ payload }) => payload['job_id'] === id);
    expect(steps.map(({ payload }) => payload['state'])).toEqual(['queued', 'delivered', 'completed']);
  });

  test('hears that a node was removed', async () => {
    const reader = await SseReader.open(hub.url, { query: '?prefix=node.' });
    await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
    const removed = await reader.next('node.removed', isOurs);
    expect(removed.payload).toEqual({ node, reason: 'operator' });
  });

  test('goes on hearing while both objects are evicted under it', async () => {
    const readers = await Promise.all([
      SseReader.open(hub.url, { query: '?prefix=runtime.state.' }),
      SocketReader.open(hub.url, { query: '?prefix=runtime.state.' }),
    ]);
    await say('ready');
    for (const state of ['error', 'ready', 'degraded'] as const) {
      await hub.evict(FLEET, 'hibernate');
      await hub.evict(SHARD, 'hibernate');
      await say(state);
    }
    for (const reader of readers) {
      expect(await states(reader, 4)).toEqual(['ready', 'error', 'ready', 'degraded']);
    }
  });

  test('goes on hearing of heartbeats after an eviction, by a lease that was written', async () => {
    const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.health' });
    await hub.evict(SHARD, 'hibernate');
    await hub.evict(FLEET, 'hibernate');
    await say('ready');
    const { payload } = await reader.next('runtime.health', ({ target }) => target === node);
    expect(payload['seq']).toBe(seq);
  });

  test('whose hub goes is told so', async () => {
    const reader = await SseReader.open(hub.url, { query: '?prefix=node.' });
    const socket = await SocketReader.open(hub.url, { query: '?prefix=node.' });
    await hub.evict(FLEET, 'close');
    expect(await reader.over).toBe('ended');
    expect(reader.events.at(-1)).toMatchObject({ kind: 'stream.end', payload: { reason: 'hub-gone' } });
    await socket.closed;
  });
});

describe('a stream that begins in the past', () => {
  test('is replayed by number, after the filter', async () => {
    for (const state of ['ready', 'error', 'ready'] as const) await say(state);
    await hub.toldFleet();
    await hub.evict(FLEET);
    const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.state.&replay=2' });
    await say('degraded');
    expect(await states(reader, 3)).toEqual(['error', 'ready', 'degraded']);
    expect(reader.of('stream.gap')).toEqual([]);
    const none = await SseReader.open(hub.url, { query: '?prefix=runtime.state.&replay=0' });
    await say('ready');
    expect(await states(none, 1)).toEqual(['ready']);
  });

  test('resumes after the last id without loss and without repeat, however it is said', async () => {
    const first = await SocketReader.open(hub.url, { query: '?prefix=runtime.state.' });
    await say('ready');
    await say('error');
    const { id = '' } = await first.next('runtime.state.changed', ({ to }) => to === 'error');
    await say('ready');
    await say('degraded');
    await hub.evict(FLEET, 'close');
    const resumed = [
      await SseReader.open(hub.url, { query: `?prefix=runtime.state.&after=${id}` }),
      await SseReader.open(hub.url, {
        query: '?prefix=runtime.state.&replay=50',
        headers: { 'last-event-id': id },
      }),
      await SocketReader.open(hub.url, { query: `?prefix=runtime.state.&after=${id}` }),
    ];
    await say('error');
    for (const reader of resumed) {
      expect(await states(reader, 3)).toEqual(['ready', 'degraded', 'error']);
      expect(reader.of('stream.gap')).toEqual([]);
    }
  });

  test('is longer than what may be under way at once, and comes whole and in order', async () => {
    await say('ready');
    const { id = '' } = await (async () => {
      const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.state.&replay=1' });
      return reader.next('runtime.state.changed', isOurs);
    })();
    await hub.toldFleet();
    const [last] = await hub.sql(FLEET, 'SELECT max(id) AS id, max(ordinal) AS ordinal FROM events');
    // 6,000 events of 1 kB: three times the window.
    await hub.sql(
      FLEET,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
       INSERT INTO events (id, previous, ordinal, total_bytes, source, kind, body)
       SELECT ?1 + i, ?1 + i - 1, ?2 + i, i, NULL, 'leases.created',
         '{"time":"2026-11-22T12:00:00.000Z","kind":"leases.created","payload":{"n":' || i || ',"fill":"' || hex(zeroblob(500)) || '"}}'
       FROM n`,
      last?.['id'],
      last?.['ordinal'],
    );
    await hub.evict(FLEET);
    const reader = await SseReader.open(hub.url, { query: `?prefix=leases.,node.&after=${id}` });
    await eventually('all of the backlog', () => reader.of('leases.created').length === 6000, 20_000);
    expect(reader.of('leases.created').map(({ payload }) => payload['n'])).toEqual(
      Array.from({ length: 6000 }, (_, index) => index + 1),
    );
    await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
    await reader.next('node.removed', isOurs);
  });

  test('says what it can no longer tell', async () => {
    await say('ready');
    await say('error');
    await hub.toldFleet();
    const [row] = await hub.sql(FLEET, 'SELECT id FROM events ORDER BY id DESC LIMIT 1');
    await hub.sql(FLEET, 'DELETE FROM events WHERE id < ?', row?.['id']);
    await hub.evict(FLEET);
    const gaps = async (query: string): Promise<unknown[]> => {
      const reader = await SocketReader.open(hub.url, { query });
      await say(seq % 2 === 0 ? 'ready' : 'degraded');
      await reader.next('runtime.state.changed', isOurs);
      return reader.of('stream.gap').map(({ payload }) => payload['reason']);
    };
    expect(await gaps('?prefix=runtime.state.&after=5')).toEqual(['trimmed']);
    expect(await gaps('?prefix=runtime.state.&after=8999999999999999')).toEqual(['unknown-id']);
    expect(await gaps(`?prefix=runtime.&after=${Number(row?.['id'])}`)).toEqual(['unlogged']);
    expect(await gaps(`?prefix=runtime.state.&after=${Number(row?.['id'])}`)).toEqual([]);
  });
});

/** Of this test's node: others may fall silent meanwhile. */
function untold(): Promise<Record<string, unknown>[]> {
  return hub.sql(SHARD, 'SELECT id FROM untold_events WHERE instr(body, ?) > 0', `"node":"${node}"`);
}

describe('what a shard has to tell', () => {
  test('waits while Fleet cannot be told, also over a life, and comes once and in order', async () => {
    await say('ready');
    await hub.toldFleet();
    await hub.sql(FLEET, 'ALTER TABLE events RENAME TO events_away');
    for (const state of ['error', 'ready', 'degraded'] as const) await say(state);
    await hub.evict(SHARD, 'hibernate');
    expect(await untold()).toHaveLength(3);
    await hub.sql(FLEET, 'ALTER TABLE events_away RENAME TO events');
    const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.state.&replay=1000' });
    expect(await states(reader, 4)).toEqual(['ready', 'error', 'ready', 'degraded']);
    await hub.toldFleet();
  });

  test('is not told twice where only the answer was lost', async () => {
    await say('ready');
    await say('error');
    await hub.toldFleet();
    const [row] = await hub.sql(FLEET, 'SELECT source, body FROM events ORDER BY id DESC LIMIT 1');
    // As if the object had died between Fleet's answer and the removal of the row.
    const id = Number(String(row?.['source']).split(':')[1]);
    await hub.sql(SHARD, 'INSERT INTO untold_events (id, body) VALUES (?, ?)', id, row?.['body']);
    await hub.evict(SHARD, 'hibernate');
    await say('ready');
    await hub.toldFleet();
    const reader = await SseReader.open(hub.url, { query: '?prefix=runtime.state.&replay=1000' });
    expect(await states(reader, 3)).toEqual(['ready', 'error', 'ready']);
  });

  test('is no row for a heartbeat, and none that stays', async () => {
    await say('ready');
    await hub.toldFleet();
    const events = (): Promise<Record<string, unknown>[]> =>
      hub.sql(FLEET, 'SELECT count(*) AS n FROM events WHERE instr(body, ?) > 0', `"node":"${node}"`);
    const before = await events();
    for (let beat = 0; beat < 30; beat += 1) await say('ready');
    expect(await events()).toEqual(before);
    expect(await untold()).toEqual([]);
  });
});

describe('the log', () => {
  test('is bounded, and trimmed in batches', async () => {
    await say('ready');
    await hub.toldFleet();
    const [last] = await hub.sql(FLEET, 'SELECT id, ordinal FROM events ORDER BY id DESC LIMIT 1');
    await hub.sql(
      FLEET,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
       INSERT INTO events (id, previous, ordinal, total_bytes, source, kind, body)
       SELECT ?1 + i, ?1 + i - 1, ?2 + i, 0, NULL, 'leases.created', '{}' FROM n`,
      last?.['id'],
      last?.['ordinal'],
    );
    await hub.evict(FLEET);
    await say('error');
    const rows = async (): Promise<number> =>
      Number((await hub.sql(FLEET, 'SELECT count(*) AS n FROM events'))[0]?.['n']);
    await until(rows, (n) => n <= 10_000);
    expect(await rows()).toBeGreaterThan(9000);
    await hub.sql(FLEET, "DELETE FROM events WHERE kind = 'leases.created'");
    await hub.evict(FLEET);
  });
});

test.each([
  ['?prefix=Runtime', 'malformed-body'],
  ['?replay=1001', 'malformed-body'],
  ['?after=-1', 'malformed-body'],
  ['?since=1', 'malformed-body'],
] as const)('/events%s is refused', async (query, reason) => {
  expect(await reasonOf(await hub.ask(`/events${query}`))).toBe(reason);
});

test('nobody else may subscribe, by no other method, and by no other protocol', async () => {
  expect(await reasonOf(await hub.ask('/events', { token: null }))).toBe('unauthorized');
  expect(await reasonOf(await hub.ask('/events', { token }))).toBe('forbidden');
  expect(await reasonOf(await hub.ask('/events', { method: 'POST', body: {} }))).toBe('method-not-allowed');
  expect(await reasonOf(await hub.ask('/events', { headers: { 'last-event-id': 'x' } }))).toBe(
    'malformed-body',
  );
  await expect(SocketReader.open(hub.url, { protocols: ['mqtt'] })).rejects.toThrow('426');
  const plain = await SocketReader.open(hub.url, { query: '?prefix=node.', protocols: [] });
  expect(plain.socket.protocol).toBe('');
});

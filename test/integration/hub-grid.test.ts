// The grid and the metrics of a real hub with two shards: what all nodes add up to, whoever of the objects was just evicted.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import parsePrometheus from 'parse-prometheus-text-format';
import * as v from 'valibot';
import { GridSchema, type Grid } from '../../contract/grid.ts';
import { CUT_WINDOW_MS } from '../../worker/domain/cut.ts';
import { FLEET, Hub, reasonOf, until } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const SHARDS = ['shard-0', 'shard-1'].map((name) => ({ class: 'NodeShard' as const, name }));
const TTL_MS = 60_000;
const NODES = ['n0', 'n1', 'n2', 'n3', 'n4', 'n5'];

let hub: Hub;
const tokens = new Map<string, string>();
beforeAll(async () => {
  hub = await Hub.start({ vars: { FLEET_SHARDS: '2' } });
  for (const node of NODES) {
    tokens.set(node, (await hub.enroll(node)).token);
    await hear(node, 1);
  }
});
afterAll(() => hub.stop());

async function hear(node: string, seq: number, inflight = 1): Promise<void> {
  const record = runtimeRecord({ id: 'llama' });
  record.status.health = { capacity: 4, inflight_jobs: inflight };
  const answer = await hub.post(node, tokens.get(node) ?? '', snapshot({ node, seq, runtimes: [record] }));
  expect(answer.status).toBe(200);
}

async function grid(query = ''): Promise<Grid> {
  const answer = await hub.ask(`/state/runtime_grid${query}`);
  expect(answer.headers.get('content-type')).toBe('application/json');
  return v.parse(GridSchema, await answer.json());
}

type Sample = { name: string; labels: Record<string, string>; value: number };

async function samples(): Promise<Sample[]> {
  const answer = await hub.ask('/metrics');
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  return parsePrometheus(await answer.text()).flatMap(({ name, metrics }) =>
    metrics.map(({ labels = {}, value }) => ({ name, labels, value: Number(value) })),
  );
}

/** The sum of a metric over the samples that have these labels. */
async function metric(wanted: string, labels: Record<string, string> = {}): Promise<number> {
  const matching = (await samples()).filter(
    ({ name, labels: given }) =>
      name === wanted && Object.entries(labels).every(([label, value]) => given[label] === value),
  );
  expect([wanted, matching.length]).not.toEqual([wanted, 0]);
  return matching.reduce((sum, { value }) => sum + value, 0);
}

/** What became of the snapshots that came over sockets: accepted, duplicate, refused. */
async function results(): Promise<number[]> {
  return Promise.all(
    ['accepted', 'duplicate', 'refused'].map((result) =>
      metric('arw_snapshots_total', { transport: 'socket', result }),
    ),
  );
}

/** What shards asked of Fleet and told it; its alarms are its own. */
async function fleetCalls(): Promise<number> {
  const [asked, told] = await Promise.all(
    ['claim', 'publish'].map((call) => metric('arw_fleet_calls_total', { call })),
  );
  return (asked ?? 0) + (told ?? 0);
}

/** Sets the last word of a node so far back in time, as if it had been silent since. @returns when that word came. */
async function silentFor(node: string, ms: number): Promise<number> {
  const heardAt = Date.now() - ms;
  for (const shard of SHARDS) {
    // However long the tests before took, the others were just heard.
    await hub.sql(shard, 'UPDATE snapshots SET received_at = ?', Date.now());
    await hub.sql(shard, 'UPDATE snapshots SET received_at = ? WHERE node = ?', heardAt, node);
    await hub.evict(shard);
  }
  return heardAt;
}

/** Until whatever was shown before may not be shown any more without another look. */
async function pastTheWindow(): Promise<void> {
  const start = Date.now();
  await until(
    async () => Date.now(),
    (now) => now > start + CUT_WINDOW_MS,
  );
}

test('the nodes of all shards are one grid', async () => {
  const { cells, totals, ttl_seconds: ttl } = await until(grid, (seen) => seen.totals.nodes === NODES.length);
  expect(ttl).toBe(60);
  expect(cells).toHaveLength(1);
  expect(cells[0]).toMatchObject({
    model: 'llama-3.3-70b-q4',
    hardware: 'CPU · Test',
    sandbox: 'none',
    status: { code: 'ok', aria_hint: expect.stringContaining('Runtime status Ready') },
    nodes: 6,
    runtimes: 6,
    states: { ready: 6 },
    capacity: 24,
    inflight: 6,
    load_ratio: 0.25,
  });
  expect(totals).toMatchObject({ cells: 1, nodes: 6, stale_nodes: 0, runtimes: 6, capacity: 24 });
});

test('a change is in the grid right after it', async () => {
  await hear('n0', 2, 4);
  const { totals } = await until(grid, (seen) => seen.totals.inflight === 9);
  expect(totals.load_ratio).toBe(0.375);
  await hear('n0', 3, 1);
  await until(grid, (seen) => seen.totals.inflight === 6);
});

test('an entity tag saves the body while nothing changes, also where heartbeats come', async () => {
  const first = await hub.ask('/state/runtime_grid');
  const body = await first.text();
  const etag = first.headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[^"]+"$/);
  await hear('n1', 2);
  await pastTheWindow();
  const again = await hub.ask('/state/runtime_grid', { headers: { 'if-none-match': etag } });
  expect([again.status, await again.text()]).toEqual([304, '']);
  await hear('n1', 3, 3);
  const changed = await until(
    () => hub.ask('/state/runtime_grid', { headers: { 'if-none-match': etag } }),
    ({ status }) => status === 200,
  );
  expect(changed.headers.get('etag')).not.toBe(etag);
  const before = v.parse(GridSchema, JSON.parse(body));
  const after = v.parse(GridSchema, await changed.json());
  expect(after.version).toBeGreaterThan(before.version);
  await hear('n1', 4, 1);
  await until(grid, (seen) => seen.totals.inflight === 6);
});

test('after an eviction of every object the grid is the same', async () => {
  const before = await grid();
  for (const object of [...SHARDS, FLEET]) await hub.evict(object);
  const after = await until(grid, ({ version }) => version > before.version);
  expect(after.cells).toEqual(before.cells);
  expect(after.totals).toEqual(before.totals);
});

test('a silent node offers nothing from its time on, though nobody was told', async () => {
  const heardAt = await silentFor('n5', 57_000);
  const early: unknown[] = [];
  const { cells, totals } = await until(grid, (seen) => {
    const { stale_nodes: stale, capacity } = seen.totals;
    if ((stale !== 0 || capacity !== 24) && Date.now() < heardAt + TTL_MS) early.push(seen.totals);
    return stale === 1;
  });
  expect(early).toEqual([]);
  expect(cells[0]).toMatchObject({
    status: { code: 'degraded', label: 'Degraded - 1 of 6 runtimes silent: nothing is heard of the node' },
    nodes: 6,
    states: { ready: 5, unknown: 1 },
    silent: 1,
    capacity: 20,
    inflight: 5,
  });
  expect(totals).toMatchObject({ nodes: 6, runtimes: 6, capacity: 20 });
  await hear('n5', 2);
  await until(grid, (seen) => seen.totals.stale_nodes === 0);
});

test('a node that is removed leaves the grid', async () => {
  tokens.set('gone', (await hub.enroll('gone')).token);
  await hear('gone', 1);
  await until(grid, (seen) => seen.totals.nodes === 7);
  expect((await hub.ask('/nodes/gone', { method: 'DELETE' })).status).toBe(204);
  expect((await until(grid, (seen) => seen.totals.nodes === 6)).totals.runtimes).toBe(6);
});

describe('a read', () => {
  test.each([
    ['?state=ready', 1],
    ['?state=error', 0],
    ['?hardware=CPU', 1],
    [`?hardware=${encodeURIComponent('CPU · Test')}`, 1],
    ['?model=nothing', 0],
    ['?sandbox=none', 1],
  ])('with %s shows %i cells, and the totals of all', async (query, count) => {
    const { cells, totals } = await grid(query);
    expect(cells).toHaveLength(count);
    expect(totals.runtimes).toBe(6);
  });

  test.each([
    ['/state/runtime_grid?state=sleepy', /^state: /],
    ['/state/runtime_grid?node=n0', /^node: /],
    ['/state/runtime_grid?model=', /^model: /],
    ['/metrics?x=1', /^x: /],
  ])('%s is not guessed at', async (path, words) => {
    const answer = await hub.ask(path);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe('malformed-body');
  });

  test.each(['/state/runtime_grid', '/metrics'])('of %s is for admins, and only a read', async (path) => {
    expect(await reasonOf(await hub.ask(path, { token: null }))).toBe('unauthorized');
    expect(await reasonOf(await hub.ask(path, { token: tokens.get('n0') ?? '' }))).toBe('forbidden');
    const posted = await hub.ask(path, { method: 'POST', body: {} });
    expect(posted.headers.get('allow')).toBe('GET');
    expect(await reasonOf(posted)).toBe('method-not-allowed');
  });
});

describe('the metrics', () => {
  let client: UplinkClient;
  beforeAll(async () => {
    client = await hub.uplink('n0', tokens.get('n0') ?? '');
  });
  afterAll(() => client.close());

  test('tell the fleet', async () => {
    const cell = { model: 'llama-3.3-70b-q4', hardware: 'CPU · Test', sandbox: 'none' };
    expect(await metric('arw_nodes', { freshness: 'fresh' })).toBe(6);
    expect(await metric('arw_runtimes', { state: 'ready' })).toBe(6);
    expect(await metric('arw_restarts_remaining')).toBe(18);
    expect(await metric('arw_cell_capacity', cell)).toBe(24);
  });

  test('count snapshots by what became of them', async () => {
    const before = await results();
    const runtimes = [runtimeRecord({ id: 'llama' })];
    const said = snapshot({ node: 'n0', bootId: 'metered', seq: 1, runtimes });
    await client.report(said);
    await client.report(said);
    client.send('no frame');
    await client.next('reject');
    const after = await results();
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 1]);
    expect(await metric('arw_uplinks')).toBe(1);
  });

  test('count commands by state', async () => {
    const path = `/orchestrator/runtimes/${encodeURIComponent('n0/llama')}/restore`;
    expect((await hub.ask(path, { method: 'POST', body: {} })).status).toBe(202);
    const command = await client.next('command');
    expect(await metric('arw_commands_open', { state: 'delivered' })).toBe(1);
    client.send({ type: 'command.done', id: command.id, ok: true, result: {} });
    await until(
      () => metric('arw_commands_ended_total', { state: 'completed' }),
      (count) => count === 1,
    );
    expect(await metric('arw_commands_open', { state: 'delivered' })).toBe(0);
  });

  test('show that heartbeats cost Fleet nothing', async () => {
    const runtimes = [runtimeRecord({ id: 'llama' })];
    await client.report(snapshot({ node: 'n0', bootId: 'metered', seq: 2, runtimes }));
    // What was told of the command before is on its way for a moment.
    await hub.toldFleet(SHARDS);
    const before = await fleetCalls();
    for (let seq = 3; seq < 30; seq += 1) {
      await client.report(snapshot({ node: 'n0', bootId: 'metered', seq, runtimes }));
    }
    expect(await fleetCalls()).toBe(before);
  });
});

// A fleet whose number of shards changes: nodes find their new home with everything that was known of them, also those
// that stay silent, and also where the way there broke off.

import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CommandAcceptedSchema, JobSchema, type Command, type Job } from '../../contract/command.ts';
import { HealthResponseSchema } from '../../contract/node-api.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { FLEET, Hub, reasonOf, until } from '../support/hub.ts';
import { toSchema } from '../support/older-schema.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NAMES = Array.from({ length: 8 }, (_, index) => `n${index}`);
const MANY = 4;

let hub: Hub;
let tokens: Map<string, string>;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start({ vars: shards(1) });
});
afterAll(() => hub.stop());

function shards(count: number): Record<string, string> {
  return { FLEET_SHARDS: String(count) };
}

function shard(index: number): { class: 'NodeShard'; name: string } {
  return { class: 'NodeShard', name: `shard-${index}` };
}

/** Each test has nodes of its own, all of them in one shard at first. */
beforeEach(async () => {
  await hub.redeploy(shards(1));
  for (const node of (await registered()).filter((name) => NAMES.includes(name))) {
    await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
  }
  tokens = new Map();
  for (const node of NAMES) {
    tokens.set(node, (await hub.enroll(node)).token);
    await beat(node);
  }
});

async function registered(): Promise<string[]> {
  const Registered = v.object({ nodes: v.array(v.object({ node: v.string() })) });
  const { nodes } = v.parse(Registered, await (await hub.ask('/state/nodes')).json());
  return nodes.map(({ node }) => node);
}

/** A heartbeat over POST; the commands in its answer. */
async function beat(node: string): Promise<Command[]> {
  seq += 1;
  const runtimes = [runtimeRecord({ id: 'llama' })];
  const answer = await hub.post(node, tokens.get(node) ?? '', snapshot({ node, seq, runtimes }));
  return v.parse(HealthResponseSchema, await answer.json()).commands;
}

async function act(node: string, kind: string): Promise<string> {
  const answer = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama/${kind}`, { method: 'POST' });
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

async function job(id: string): Promise<Job> {
  return v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json());
}

async function end(node: string, id: string): Promise<Job> {
  const path = `/nodes/${node}/commands/${encodeURIComponent(id)}`;
  const body = { state: 'completed', result: { state: 'ready' } };
  const answer = await hub.ask(path, { method: 'POST', token: tokens.get(node) ?? '', body });
  expect(answer.status).toBe(204);
  return job(id);
}

/** In which shards something of each node is written. */
async function places(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  for (let index = 0; index < MANY; index += 1) {
    const rows = await hub.sql(shard(index), 'SELECT node FROM snapshots UNION SELECT node FROM commands');
    for (const node of rows.map((row) => String(row['node']))) {
      found.set(node, [...(found.get(node) ?? []), index]);
    }
  }
  return found;
}

/** As if all that is open had just been sent: a silence of 5 s must not end while a deploy takes its time. */
async function justSent(index: number, node: string): Promise<void> {
  const later = 'UPDATE commands SET sent_at = ? WHERE node = ? AND finished_at IS NULL';
  await hub.sql(shard(index), later, Date.now() + 60_000, node);
}

async function placesOf(node: string): Promise<number[]> {
  return (await places()).get(node) ?? [];
}

/** A node that moves when there are many shards. */
const MOVER = NAMES.find((node) => shardOf(node, MANY) === 2) ?? '';

test.each([
  ['grown', [MANY]],
  ['shrunk again', [MANY, 1]],
  ['grown, shrunk, grown', [MANY, 2, MANY]],
])('a fleet that was %s shows every silent node once, as it was last heard', async (_name, counts) => {
  const before = (await hub.matrixWhere(({ items }) => NAMES.every((node) => node in items))).items;
  for (const count of counts) {
    await hub.redeploy(shards(count));
    const { items } = await hub.matrix();
    expect(Object.keys(items).toSorted()).toEqual(NAMES);
    for (const node of NAMES) expect(items[node]?.received_at).toBe(before[node]?.received_at);
    const written = await places();
    for (const node of NAMES) expect(written.get(node)).toEqual([shardOf(node, count)]);
  }
});

describe('a node that moves', () => {
  test('gets its commands once and in order, those from before first', async () => {
    const ended = await act(MOVER, 'start');
    expect(await beat(MOVER)).toMatchObject([{ id: ended }]);
    const told = await end(MOVER, ended);
    const first = [await act(MOVER, 'shutdown'), await act(MOVER, 'start')];

    await hub.redeploy(shards(MANY));
    expect(await job(ended)).toEqual(told);
    const later = await act(MOVER, 'restore');
    expect(await job(first[0] ?? '')).toMatchObject({ state: 'queued' });
    const commands = await beat(MOVER);
    expect(commands.map(({ id }) => id)).toEqual([...first, later]);
    expect(await beat(MOVER)).toEqual([]);
    expect(await end(MOVER, later)).toMatchObject({ state: 'completed' });

    // A POST has no link: what was sent before is sent again when its silence is over, not before.
    await justSent(shardOf(MOVER, MANY), MOVER);
    await hub.redeploy(shards(1));
    const last = await act(MOVER, 'undrain');
    expect(await beat(MOVER)).toMatchObject([{ id: last }]);
    for (const id of [...first, last]) expect(await end(MOVER, id)).toMatchObject({ state: 'completed' });
    expect(await job(later)).toMatchObject({ state: 'completed' });
    expect(await placesOf(MOVER)).toEqual([0]);
  });

  test('answers a repeat under the key of before with the job of before', async () => {
    const press = async (): Promise<string> => {
      const path = `/orchestrator/runtimes/${MOVER}%2Fllama/start`;
      const answer = await hub.ask(path, { method: 'POST', headers: { 'idempotency-key': 'press-1' } });
      return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
    };
    const first = await press();
    await hub.redeploy(shards(MANY));
    expect(await press()).toBe(first);
    expect(await beat(MOVER)).toMatchObject([{ id: first }]);
  });

  test('comes back over its socket, and is told again what it has not ended', async () => {
    const token = tokens.get(MOVER) ?? '';
    const before = await hub.uplink(MOVER, token);
    const id = await act(MOVER, 'start');
    expect(await before.next('command')).toMatchObject({ id, attempt: 1 });
    // Taken and not ended: over the same socket it is not sent again, however long the deploy takes.
    before.send({ type: 'command.received', id });
    await until(
      () => job(id),
      ({ state }) => state === 'running',
    );
    await hub.redeploy(shards(MANY));
    before.socket.terminate();

    const after = await hub.uplink(MOVER, token);
    expect(await after.next('command')).toMatchObject({ id, attempt: 2 });
    after.send({ type: 'command.done', id, ok: true });
    await until(
      () => job(id),
      ({ state }) => state === 'completed',
    );
    await after.close();
  });

  test('keeps its order of snapshots', async () => {
    const { items: before } = await hub.matrix(`?node=${MOVER}`);
    await hub.redeploy(shards(MANY));
    const old = snapshot({ node: MOVER, seq: before[MOVER]?.seq ?? 0, runtimes: [] });
    await hub.post(MOVER, tokens.get(MOVER) ?? '', old);
    const { items } = await hub.matrix(`?node=${MOVER}`);
    expect(items[MOVER]?.runtimes).toHaveLength(1);
  });

  test('may be found by its runtime alone, and removed, before it was heard', async () => {
    const id = await act(MOVER, 'start');
    await hub.redeploy(shards(MANY));
    const found = await hub.ask('/orchestrator/runtimes/llama/start', { method: 'POST' });
    expect(await found.json()).toMatchObject({ candidates: NAMES.map((node) => `${node}/llama`) });
    expect((await hub.ask(`/nodes/${MOVER}`, { method: 'DELETE' })).status).toBe(204);
    await hub.matrixWhere(({ items }) => !(MOVER in items) && Object.keys(items).length === NAMES.length - 1);
    expect(await job(id)).toMatchObject({ state: 'cancelled', error: { reason: 'node-removed' } });
  });

  test('that is removed before anybody asks for it leaves nothing to be done', async () => {
    const id = await act(MOVER, 'start');
    await hub.redeploy(shards(MANY));
    expect((await hub.ask(`/nodes/${MOVER}`, { method: 'DELETE' })).status).toBe(204);
    expect(Object.keys((await hub.matrix()).items)).not.toContain(MOVER);
    expect(await job(id)).toMatchObject({ state: 'cancelled' });
    tokens.set(MOVER, (await hub.enroll(MOVER)).token);
    expect(await beat(MOVER)).toEqual([]);
  });

  test('is admitted with a token that was rotated before it was heard', async () => {
    await hub.redeploy(shards(MANY));
    const rotated = await hub.ask(`/nodes/${MOVER}/token/rotate`, {
      method: 'POST',
      body: { overlap_secs: 0 },
    });
    const { token } = v.parse(v.object({ token: v.string() }), await rotated.json());
    const refused = await hub.post(MOVER, tokens.get(MOVER) ?? '', snapshot({ node: MOVER }));
    expect(refused.status).toBe(401);
    tokens.set(MOVER, token);
    expect(await beat(MOVER)).toEqual([]);
  });
});

describe('a move that broke off', () => {
  const AT = shardOf(MOVER, MANY);

  test('after it was noted is made good', async () => {
    const id = await act(MOVER, 'start');
    await hub.redeploy(shards(MANY));
    const noted = "UPDATE nodes SET home = ?, former = '[0]', moves = 1 WHERE node = ?";
    await hub.sql(FLEET, noted, AT, MOVER);
    expect(Object.keys((await hub.matrix()).items).toSorted()).toEqual(NAMES);
    expect(await beat(MOVER)).toMatchObject([{ id }]);
    expect(await placesOf(MOVER)).toEqual([AT]);
  });

  test('before the former home forgot doubles nothing', async () => {
    const id = await act(MOVER, 'start');
    const [row] = await hub.sql(shard(0), 'SELECT * FROM commands WHERE id = ?', id);
    await hub.redeploy(shards(MANY));
    expect(await beat(MOVER)).toMatchObject([{ id, attempt: 1 }]);
    expect(await placesOf(MOVER)).toEqual([AT]);
    // As if the new home had crashed before the old one was told.
    const columns = Object.keys(row ?? {});
    const marks = columns.map(() => '?').join(', ');
    const copy = `INSERT INTO commands (${columns.join(', ')}) VALUES (${marks})`;
    await hub.sql(shard(0), copy, ...Object.values(row ?? {}));
    await hub.sql(FLEET, "UPDATE nodes SET former = '[0]' WHERE node = ?", MOVER);
    await justSent(AT, MOVER);
    await hub.evict(shard(0));
    await hub.evict(shard(AT));

    expect(await beat(MOVER)).toEqual([]);
    expect(await placesOf(MOVER)).toEqual([AT]);
    expect(await end(MOVER, id)).toMatchObject({ state: 'completed', attempts: 1 });
  });
});

test('a former home that cannot be reached is named, and nobody else is missing for it', async () => {
  await hub.redeploy(shards(MANY));
  const { items: all } = await hub.matrix();
  expect(Object.keys(all).toSorted()).toEqual(NAMES);
  const id = await act(MOVER, 'start');
  const away = shardOf(MOVER, MANY);
  const reached = NAMES.filter((node) => shardOf(node, MANY) !== away);
  await hub.redeploy(shards(1));
  await hub.sql(shard(away), 'ALTER TABLE commands RENAME TO broken');

  const matrix = await hub.matrix();
  expect(Object.keys(matrix.items).toSorted()).toEqual(reached);
  expect(matrix.unreached_shards).toEqual([away]);
  for (const path of ['/state/runtime_supervisor', '/state/runtime_grid', '/state/jobs']) {
    expect(await (await hub.ask(path)).json()).toMatchObject({ unreached_shards: [away] });
  }
  // Who names no node might mean one that is missing; who names one is served.
  const guessed = await hub.ask('/orchestrator/runtimes/llama/start', { method: 'POST' });
  expect(await reasonOf(guessed)).toBe('shard-unreached');
  expect(await beat(reached[0] ?? '')).toEqual([]);
  await act(reached[0] ?? '', 'start');

  await hub.sql(shard(away), 'ALTER TABLE broken RENAME TO commands');
  const whole = await hub.matrixWhere(({ unreached_shards: unreached }) => unreached === undefined, 20_000);
  expect(Object.keys(whole.items).toSorted()).toEqual(NAMES);
  expect(await job(id)).toMatchObject({ state: 'queued' });
  expect(await placesOf(MOVER)).toEqual([0]);
}, 40_000);

test('a registry of before knows its homes: all were in the first shard', async () => {
  const id = await act(MOVER, 'start');
  await toSchema(hub, FLEET, 1);
  await hub.redeploy(shards(MANY));
  expect(Object.keys((await hub.matrix()).items).toSorted()).toEqual(NAMES);
  expect(await beat(MOVER)).toMatchObject([{ id }]);
});

test('in order, no shard asks Fleet again, and nothing is written', async () => {
  await hub.redeploy(shards(MANY));
  await hub.matrix();
  const homes = await hub.sql(FLEET, 'SELECT node, home, former, moves FROM nodes');
  expect(homes.every(({ former }) => former === '[]')).toBe(true);
  for (const node of NAMES) await beat(node);
  await hub.matrixWhere(({ items }) => NAMES.every((node) => node in items));
  expect(await hub.sql(FLEET, 'SELECT node, home, former, moves FROM nodes')).toEqual(homes);
});

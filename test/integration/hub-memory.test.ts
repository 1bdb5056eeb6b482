// Both objects lose their memory at any moment: what was told stays told, and sockets that slept speak on.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import { JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET, Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { UplinkClient } from '../support/uplink-client.ts';

let hub: Hub;
let node: string;
let token: string;
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

async function restore(): Promise<string> {
  const answer = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama.70b/restore`, { method: 'POST' });
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

async function jobState(id: string): Promise<string> {
  return v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json()).state;
}

/** Any change of the registry lets the object look at its deadlines, and arm its alarm for what is overdue. */
async function lookAtDeadlines(): Promise<void> {
  count += 1;
  await hub.enroll(`onlooker-${count}`);
}

describe('a shard that was evicted', () => {
  test('knows its nodes, their order and their uplinks', async () => {
    await hub.post(node, token, snapshot({ node, seq: 7, runtimes: [runtimeRecord({ state: 'degraded' })] }));
    const { items: before } = await hub.matrixWhere((matrix) => node in matrix.items);
    await hub.evict(SHARD);
    const { items: after } = await hub.matrix();
    expect({ ...after[node], age_seconds: 0 }).toEqual({ ...before[node], age_seconds: 0 });
    await hub.post(node, token, snapshot({ node, seq: 6 }));
    const { items } = await hub.matrix(`?node=${node}`);
    expect(items[node]).toMatchObject({ seq: 7, status: { code: 'degraded' } });
  });

  test('hears and speaks over a socket that slept', async () => {
    const uplink = await hub.uplink(node, token);
    await uplink.report(snapshot({ node, seq: 1 }));
    await hub.evict(SHARD, 'hibernate');
    const id = await restore();
    expect(await uplink.next('command')).toMatchObject({ id, attempt: 1 });
    await hub.evict(SHARD, 'hibernate');
    uplink.send({ type: 'command.received', id });
    uplink.send({ type: 'command.done', id, ok: true });
    await until(
      () => jobState(id),
      (state) => state === 'completed',
    );
    await uplink.report(snapshot({ node, seq: 2 }));
    const { items } = await hub.matrixWhere((matrix) => matrix.items[node]?.seq === 2);
    expect(items[node]?.uplink).toBe('open');
  });

  test('knows from the socket when a heartbeat came that was not written', async () => {
    const uplink = await hub.uplink(node, token);
    await uplink.report(snapshot({ node, seq: 1 }));
    const [row] = await hub.sql(SHARD, 'SELECT received_at FROM snapshots WHERE node = ?', node);
    await until(
      async () => {
        await uplink.report(snapshot({ node, seq: 2 + Math.floor(performance.now()) }));
        return hub.matrix(`?node=${node}`);
      },
      ({ items }) => Date.parse(items[node]?.received_at ?? '') > Number(row?.['received_at']) + 300,
    );
    const last = { node, seq: 10_000_000 };
    await uplink.report(snapshot(last));
    await hub.evict(SHARD, 'hibernate');
    const { items } = await hub.matrix();
    expect(Date.parse(items[node]?.received_at ?? '')).toBeGreaterThan(Number(row?.['received_at']) + 300);
    // The number of the last heartbeat survived too: its echo is known.
    uplink.send({ type: 'health', ack: true, snapshot: snapshot({ ...last, runtimes: [] }) });
    await uplink.next('health.ack');
    expect((await hub.matrix(`?node=${node}&view=full`)).items[node]?.runtimes).toHaveLength(1);
  });

  test('does not revive a row by a socket: a stale node with a sleeping socket is stale', async () => {
    await hub.post(node, token, snapshot({ node }));
    const uplink = await hub.uplink(node, token);
    await hub.sql(SHARD, 'UPDATE snapshots SET received_at = received_at - 75000 WHERE node = ?', node);
    await hub.evict(SHARD, 'hibernate');
    const { items } = await hub.matrixWhere((matrix) => matrix.items[node]?.stale === true);
    expect(items[node]?.uplink).toBe('open');
    await uplink.report(snapshot({ node, seq: 2 }));
    await hub.matrixWhere((matrix) => matrix.items[node]?.stale === false);
  });

  test('knows that a socket which was not admitted is not', async () => {
    const uplink = await hub.uplink(node, token);
    await uplink.close();
    const silent = await UplinkClient.open(hub.url, node, token);
    await hub.evict(SHARD, 'hibernate');
    silent.send({ type: 'health', snapshot: snapshot({ node }) });
    expect((await silent.next('reject')).problem.title).toContain('hello');
  });

  test('has its queue, also where every socket is gone', async () => {
    await hub.post(node, token, snapshot({ node }));
    const id = await restore();
    await hub.evict(SHARD, 'close');
    expect(await jobState(id)).toBe('queued');
    const uplink = await hub.uplink(node, token);
    expect(await uplink.next('command')).toMatchObject({ id, attempt: 1 });
  });

  test('replaces a socket that slept by a newer one', async () => {
    const old = await hub.uplink(node, token);
    await hub.evict(SHARD, 'hibernate');
    const next = await hub.uplink(node, token);
    expect(await old.closed).toMatchObject({ code: 4001 });
    await next.report(snapshot({ node }));
    await hub.evict(SHARD, 'hibernate');
    const { items } = await hub.matrixWhere((matrix) => node in matrix.items);
    expect(items[node]?.uplink).toBe('open');
  });

  test('drops what it cannot read, says so, and serves the rest', async () => {
    await hub.post(node, token, snapshot({ node }));
    const { token: other } = await hub.enroll(`${node}-well`);
    await hub.post(`${node}-well`, other, snapshot({ node: `${node}-well` }));
    const id = await restore();
    await hub.sql(SHARD, 'UPDATE snapshots SET body = substr(body, 1, 40) WHERE node = ?', node);
    await hub.sql(SHARD, "UPDATE commands SET args = '{' WHERE id = ?", id);
    await hub.evict(SHARD);
    const { items } = await hub.matrixWhere(
      (matrix) => `${node}-well` in matrix.items && !(node in matrix.items),
    );
    expect(items).not.toHaveProperty(node);
    expect(await reasonOf(await hub.ask(`/orchestrator/jobs/${id}`))).toBe('unknown-job');
    // What a worker says comes by a way of its own.
    for (const words of [`snapshot of node "${node}"`, `command "${id}"`]) {
      await eventually(words, () => hub.logs().includes(`Dropped the unreadable ${words}`));
    }
    await hub.post(node, token, snapshot({ node, seq: 2 }));
    await hub.matrixWhere((matrix) => node in matrix.items);
  });
});

describe('deadlines', () => {
  test('a command that was not acknowledged for 5 s goes out again by the alarm, over a socket that slept', async () => {
    const uplink = await hub.uplink(node, token);
    await uplink.report(snapshot({ node }));
    const id = await restore();
    await uplink.next('command');
    await hub.sql(SHARD, 'UPDATE commands SET sent_at = sent_at - 5000 WHERE id = ?', id);
    await hub.evict(SHARD, 'hibernate');
    await lookAtDeadlines();
    expect(await uplink.next('command')).toMatchObject({ id, attempt: 2 });
    // A second alarm finds nothing that is due.
    await lookAtDeadlines();
    await hub.sql(SHARD, 'UPDATE commands SET expires_at = 1 WHERE id = ?', id);
    await hub.evict(SHARD, 'hibernate');
    await lookAtDeadlines();
    await until(
      () => hub.sql(SHARD, 'SELECT state FROM commands WHERE id = ?', id),
      ([row]) => row?.['state'] === 'expired',
    );
    expect(uplink.frames).toEqual([]);
  });

  test('an expired command is expired for who reads it, however late the alarm is, and is never sent', async () => {
    await hub.post(node, token, snapshot({ node }));
    const id = await restore();
    await hub.sql(SHARD, 'UPDATE commands SET expires_at = 1 WHERE id = ?', id);
    await hub.evict(SHARD);
    expect(await jobState(id)).toBe('expired');
    const uplink = await hub.uplink(node, token);
    await uplink.report(snapshot({ node, seq: 2 }));
    expect(uplink.frames).toEqual([]);
  });

  test('old jobs are forgotten', async () => {
    await hub.post(node, token, snapshot({ node }));
    const id = await restore();
    await hub.sql(SHARD, "UPDATE commands SET finished_at = 1, state = 'failed' WHERE id = ?", id);
    await hub.evict(SHARD);
    await lookAtDeadlines();
    const rows = await until(
      () => hub.sql(SHARD, 'SELECT id FROM commands WHERE id = ?', id),
      (left) => left.length === 0,
    );
    expect(rows).toEqual([]);
  });

  test('a node that is stale behind an open socket gets its commands with its next heartbeat', async () => {
    await hub.post(node, token, snapshot({ node }));
    const uplink = await hub.uplink(node, token);
    await hub.sql(SHARD, 'UPDATE snapshots SET received_at = received_at - 75000 WHERE node = ?', node);
    await hub.evict(SHARD, 'hibernate');
    const answer = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama.70b/restore`, { method: 'POST' });
    expect(await answer.json()).toMatchObject({ ok: true, delivered: false });
    expect(uplink.frames).toEqual([]);
    await uplink.report(snapshot({ node, seq: 2 }));
    expect(await uplink.next('command')).toMatchObject({ attempt: 1 });
  });

  test('another start of a reporter without a socket gets what the one before took with it', async () => {
    await hub.post(node, token, snapshot({ node }));
    const id = await restore();
    const first = await hub.post(node, token, snapshot({ node, seq: 2 }));
    expect(await first.json()).toMatchObject({ commands: [{ id, attempt: 1 }] });
    const second = await hub.post(node, token, snapshot({ node, bootId: 'boot-2' }));
    expect(await second.json()).toMatchObject({ commands: [{ id, attempt: 2 }] });
  });
});

describe('a fleet that was evicted', () => {
  test('knows its nodes and its join tokens', async () => {
    const made = await hub.ask('/join-tokens', { method: 'POST', body: { uses: 2 } });
    const { join_token: joinToken } = v.parse(JoinTokenResponseSchema, await made.json());
    const body = { join_token: joinToken, node: `${node}-a` };
    const enroll = (): Promise<Response> => hub.ask('/nodes/enroll', { method: 'POST', token: null, body });
    expect((await enroll()).status).toBe(201);
    await hub.evict(FLEET);
    await hub.evict(SHARD);
    expect((await hub.post(node, token, snapshot({ node }))).status).toBe(200);
    expect(await reasonOf(await enroll())).toBe('node-exists');
    body.node = `${node}-b`;
    expect((await enroll()).status).toBe(201);
    body.node = `${node}-c`;
    expect(await reasonOf(await enroll())).toBe('join-token-invalid');
  });

  test('is not asked by heartbeats', async () => {
    await hub.post(node, token, snapshot({ node }));
    // What the shard knows it does not ask again: it does not see what nobody told it.
    await hub.sql(FLEET, 'DELETE FROM node_tokens WHERE node = ?', node);
    expect((await hub.post(node, token, snapshot({ node, seq: 2 }))).status).toBe(200);
    await hub.evict(SHARD);
    expect(await reasonOf(await hub.post(node, token, snapshot({ node, seq: 3 })))).toBe('unauthorized');
  });

  test('forgets join tokens that expired', async () => {
    await hub.ask('/join-tokens', { method: 'POST', body: { uses: 99 } });
    await hub.sql(FLEET, 'UPDATE join_tokens SET expires_at = 1 WHERE uses_left = 99');
    await hub.evict(FLEET);
    await hub.ask('/join-tokens', { method: 'POST', body: {} });
    const rows = await until(
      () => hub.sql(FLEET, 'SELECT * FROM join_tokens WHERE uses_left = 99'),
      (left) => left.length === 0,
    );
    expect(rows).toEqual([]);
  });
});

test('a removal that its shard never heard of is finished by asking again', async () => {
  // As if the object had died after it wrote the removal and before it told the shard.
  await hub.sql(FLEET, 'UPDATE nodes SET removed_at = 1, untold = 1 WHERE node = ?', node);
  await hub.evict(FLEET);
  expect((await hub.ask(`/nodes/${node}`, { method: 'DELETE' })).status).toBe(204);
  expect(await hub.sql(FLEET, 'SELECT * FROM nodes WHERE node = ?', node)).toEqual([]);
  expect(await reasonOf(await hub.post(node, token, snapshot({ node })))).toBe('unauthorized');
});

test('migrations run once: the version stays as it is over lives', async () => {
  for (const object of [FLEET, SHARD]) {
    const versions = 'SELECT version FROM schema_version ORDER BY version';
    const before = await hub.sql(object, versions);
    expect(before.map(({ version }) => version)).toEqual(before.map((_, index) => index + 1));
    await hub.evict(object);
    expect(await hub.sql(object, versions)).toEqual(before);
  }
});

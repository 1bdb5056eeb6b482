// Nodes that are spread over several objects: to a reader they are one fleet.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { nodeOfJobId } from '../../contract/ids.ts';
import { SupervisorSchema } from '../../contract/read-models.ts';
import { shardOf } from '../../worker/domain/shard-of.ts';
import { Hub } from '../support/hub.ts';
import { actionOver, RelayNode, submitted } from '../support/relay-node.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

let hub: Hub;
const names = Array.from({ length: 24 }, (_, index) => `n${String(index).padStart(2, '0')}`);
beforeAll(async () => {
  hub = await Hub.start({ vars: { FLEET_SHARDS: '4' } });
  for (const node of names) {
    const { token } = await hub.enroll(node);
    await hub.post(node, token, snapshot({ node, runtimes: [runtimeRecord({ id: 'llama' })] }));
  }
});
afterAll(() => hub.stop());

test('are one matrix', async () => {
  const { items, version } = await hub.matrixWhere(
    (matrix) => Object.keys(matrix.items).length === names.length,
  );
  expect(Object.keys(items).toSorted()).toEqual(names);
  expect(Number.isSafeInteger(version)).toBe(true);
  const spread = await Promise.all(
    [0, 1, 2, 3].map((index) =>
      hub.sql({ class: 'NodeShard', name: `shard-${index}` }, 'SELECT count(*) AS n FROM snapshots'),
    ),
  );
  const counts = spread.map(([row]) => Number(row?.['n']));
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(names.length);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  const supervisor = await (await hub.ask('/state/runtime_supervisor')).json();
  expect(v.parse(SupervisorSchema, supervisor).runtimes).toHaveLength(names.length);
});

test('are paged in one order', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await hub.matrix(`?view=summary&limit=5${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    expect(Object.keys(page.items).length).toBeLessThanOrEqual(5);
    seen.push(...Object.keys(page.items));
    cursor = page.next_cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(names);
});

test('are all asked which nodes have a runtime', async () => {
  const answer = await hub.ask('/orchestrator/runtimes/llama/restore', { method: 'POST' });
  expect(await answer.json()).toMatchObject({ candidates: names.map((node) => `${node}/llama`) });
  const job = await hub.ask('/orchestrator/runtimes/n07%2Fllama/restore', { method: 'POST' });
  expect(job.status).toBe(202);
  const { job_id: id } = v.parse(v.object({ job_id: v.string() }), await job.json());
  expect((await hub.ask(`/orchestrator/jobs/${id}`)).status).toBe(200);
});

test('are asked together for who has a model, and a repeat finds its action wherever that lives', async () => {
  const nodes = [];
  for (const name of ['shards-a', 'shards-b', 'shards-c', 'shards-d']) {
    nodes.push(await RelayNode.linked(hub, name, { runtimes: [runtimeRecord({ model: `only-${name}` })] }));
  }
  for (const at of nodes) {
    const headers = { 'idempotency-key': `key-of-${at.node}` };
    const id = await submitted(hub, { prompt: 'Hi', model: `only-${at.node}` }, headers);
    at.reply(await at.asked(), 'Hello.');
    expect(await actionOver(hub, id)).toMatchObject({ state: 'completed', node: at.node });
    expect(await submitted(hub, { prompt: 'Hi', model: `only-${at.node}` }, headers)).toBe(id);
  }
  const body = { kind: 'chat.respond', input: { prompt: 'Hi', model: 'only-shards-e' } };
  const unknown = await hub.ask('/actions', { method: 'POST', body });
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({
    closest: expect.arrayContaining(['only-shards-a', 'only-shards-d']),
  });
});

test('begin one action under a key where two ask for it at the same moment', async () => {
  // Equals in different shards: each who asks would choose by chance.
  const nodes = [];
  for (const name of ['equal-a', 'equal-b', 'equal-c', 'equal-d', 'equal-e']) {
    nodes.push(await RelayNode.linked(hub, name, { runtimes: [runtimeRecord({ model: 'equal' })] }));
  }
  expect(new Set(nodes.map(({ node }) => shardOf(node, 4))).size).toBeGreaterThan(1);
  const input = { prompt: 'Hi', model: 'equal' };
  for (const { node } of nodes) {
    const headers = { 'idempotency-key': `at-once-${node}` };
    // Another isolate has chosen this node, and has not begun the action there yet.
    expect(await hub.claimActionKey(headers['idempotency-key'], node, 4)).toBe(node);
    const [first, second] = await Promise.all([
      submitted(hub, input, headers),
      submitted(hub, input, headers),
    ]);
    expect(second).toBe(first);
    expect(shardOf(nodeOfJobId(first) ?? '', 4)).toBe(shardOf(node, 4));
  }

  // A key whose first user was refused is free again: this node reports by POST, and takes nothing that is relayed.
  const headers = { 'idempotency-key': 'refused-first' };
  const body = { kind: 'chat.respond', input: { prompt: 'Hi', node: 'n07' } };
  expect((await hub.ask('/actions', { method: 'POST', body, headers })).status).toBe(409);
  const id = await submitted(hub, input, headers);
  expect(await submitted(hub, input, headers)).toBe(id);
});

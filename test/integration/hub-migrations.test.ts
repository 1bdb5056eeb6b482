// A hub that was upgraded: databases of every earlier version, with rows in them, are found whole by the newest code.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import { HealthResponseSchema, JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { NodesSchema } from '../../contract/read-models.ts';
import { FLEET, Hub, SHARD } from '../support/hub.ts';
import { MIGRATIONS, toSchema } from '../support/older-schema.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());

async function restore(key: string, node: string): Promise<string> {
  const headers = { 'idempotency-key': key };
  const answer = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama.70b/restore`, {
    method: 'POST',
    headers,
  });
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

/** Each version of either database, the last one included: what is not upgraded is no less whole. */
const VERSIONS = MIGRATIONS.NodeShard.map((_text, index) => [
  index + 1,
  Math.min(index + 1, MIGRATIONS.Fleet.length),
]);

test.each(VERSIONS)(
  'of version %i, and %i of the registry: everything is there that an operator saw',
  async (ofShard, ofFleet) => {
    const node = `gpu-v${ofShard}`;
    const made = await hub.ask('/join-tokens', { method: 'POST', body: { uses: 2 } });
    const { join_token: joinToken } = v.parse(JoinTokenResponseSchema, await made.json());
    const { token } = await hub.enroll(node);
    await hub.post(node, token, snapshot({ node, runtimes: [runtimeRecord({ state: 'degraded' })] }));
    const finished = await restore('first', node);
    await hub.post(node, token, snapshot({ node, seq: 2, runtimes: [runtimeRecord({ state: 'degraded' })] }));
    const done = { state: 'completed', result: { state: 'ready' } };
    const told = await hub.ask(`/nodes/${node}/commands/${finished}`, { method: 'POST', token, body: done });
    expect(told.status).toBe(204);
    const open = await restore('second', node);
    const matrix = await hub.matrixWhere(({ items }) => node in items);
    const nodes = v.parse(NodesSchema, await (await hub.ask('/state/nodes')).json());

    await toSchema(hub, SHARD, ofShard);
    await toSchema(hub, FLEET, ofFleet);
    await hub.evict(SHARD);
    await hub.evict(FLEET);

    const after = await hub.matrixWhere(({ items }) => node in items);
    // A snapshot whose state did not change is not written: only the times differ.
    const times = { age_seconds: 0, received_at: '', expires_at: '', seq: 0 };
    expect({ ...after.items[node], ...times }).toEqual({ ...matrix.items[node], ...times });
    expect(v.parse(NodesSchema, await (await hub.ask('/state/nodes')).json())).toEqual(nodes);
    const job = async (id: string) =>
      v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json());
    expect(await job(finished)).toMatchObject({ state: 'completed', result: { state: 'ready' } });
    expect(await job(open)).toMatchObject({ state: 'queued' });
    // A key is remembered too: the same order is the same job.
    expect(await restore('second', node)).toBe(open);
    // The node's token, the queue and the join token work on.
    const heard = await hub.post(node, token, snapshot({ node, seq: 3 }));
    expect(await heard.json()).toMatchObject({ commands: [{ id: open }] });
    const enrolled = await hub.ask('/nodes/enroll', {
      method: 'POST',
      token: null,
      body: { join_token: joinToken, node: `${node}-later` },
    });
    expect(enrolled.status).toBe(201);
    for (const [object, migrations] of [
      [SHARD, MIGRATIONS.NodeShard],
      [FLEET, MIGRATIONS.Fleet],
    ] as const) {
      const versions = await hub.sql(object, 'SELECT version FROM schema_version ORDER BY version');
      expect(versions.map(({ version }) => version)).toEqual(migrations.map((_text, index) => index + 1));
    }
  },
);

test('a queue that the first version left is taken over in the order of its times', async () => {
  const node = 'upgraded';
  const { token } = await hub.enroll(node);
  await hub.post(node, token, snapshot({ node }));
  const ids: string[] = [];
  for (const key of ['a', 'b', 'c', 'd']) ids.push(await restore(key, node));
  const [first, second, third, fourth] = ids;
  for (const [offset, id] of [third, first, fourth, second].entries()) {
    await hub.sql(SHARD, 'UPDATE commands SET issued_at = ? WHERE id = ?', Date.now() + offset, id);
  }
  await toSchema(hub, SHARD, 1);
  await hub.evict(SHARD);

  const later = await restore('e', node);
  const heard = await hub.post(node, token, snapshot({ node, seq: 2 }));
  const { commands } = v.parse(HealthResponseSchema, await heard.json());
  expect(commands.map(({ id }) => id)).toEqual([third, first, fourth, second, later]);
});

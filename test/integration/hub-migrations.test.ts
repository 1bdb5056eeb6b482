// A hub that was upgraded: databases of the first version, with rows in them, are found whole by the newest code.

import { afterAll, beforeAll, expect, test } from 'vitest';
import * as v from 'valibot';
import { CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import { HealthResponseSchema, JoinTokenResponseSchema } from '../../contract/node-api.ts';
import { NodesSchema } from '../../contract/read-models.ts';
import { FLEET, Hub, SHARD, until } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

const NODE = 'gpu-01';

/** The databases of version 1 as they were released. */
const SHARD_V1 = {
  snapshots: `CREATE TABLE snapshots (
    node TEXT PRIMARY KEY, received_at INTEGER NOT NULL, transport TEXT NOT NULL, body TEXT NOT NULL
  ) WITHOUT ROWID`,
  commands: `CREATE TABLE commands (
    node TEXT NOT NULL, id TEXT NOT NULL, runtime TEXT NOT NULL, kind TEXT NOT NULL, args TEXT NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, unanswered INTEGER NOT NULL, issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, sent_at INTEGER, delivered_at INTEGER, received_at INTEGER, finished_at INTEGER,
    result TEXT, error TEXT, idempotency_key TEXT, signature TEXT NOT NULL, PRIMARY KEY (node, id)
  ) WITHOUT ROWID`,
};
const FLEET_V1 = {
  nodes: `CREATE TABLE nodes (
    node TEXT PRIMARY KEY, command_key TEXT NOT NULL, created_at INTEGER NOT NULL, removed_at INTEGER,
    untold INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID`,
  node_tokens: `CREATE TABLE node_tokens (
    node TEXT NOT NULL, hash TEXT NOT NULL, until INTEGER, PRIMARY KEY (node, hash)
  ) WITHOUT ROWID`,
  join_tokens: `CREATE TABLE join_tokens (
    hash TEXT PRIMARY KEY, uses_left INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) WITHOUT ROWID`,
};

let hub: Hub;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());

/** Takes the object back to the first version: its tables alone, with what their columns hold now. */
async function downgrade(object: typeof SHARD, tables: Readonly<Record<string, string>>): Promise<void> {
  const rows: [string, Record<string, unknown>[]][] = [];
  for (const [table, create] of Object.entries(tables)) {
    await hub.sql(object, create.replace('CREATE TABLE ', 'CREATE TABLE v1_'));
    const columns = await hub.sql(object, `SELECT name FROM pragma_table_info('v1_${table}')`);
    const names = columns.map(({ name }) => String(name)).join(', ');
    rows.push([table, await hub.sql(object, `SELECT ${names} FROM ${table}`)]);
  }
  const present = await hub.sql(
    object,
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'",
  );
  for (const { name } of present) await hub.sql(object, `DROP TABLE ${String(name)}`);
  for (const create of Object.values(tables)) await hub.sql(object, create);
  for (const [table, found] of rows) {
    for (const row of found) {
      const marks = Object.keys(row).map(() => '?');
      const insert = `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${marks.join(', ')})`;
      await hub.sql(object, insert, ...Object.values(row));
    }
  }
  await hub.sql(object, 'CREATE TABLE schema_version (version INTEGER NOT NULL)');
  await hub.sql(object, 'INSERT INTO schema_version (version) VALUES (1)');
}

async function restore(key: string, node = NODE): Promise<string> {
  const headers = { 'idempotency-key': key };
  const answer = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama.70b/restore`, {
    method: 'POST',
    headers,
  });
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

test('everything that an operator saw is there after the upgrade', async () => {
  const made = await hub.ask('/join-tokens', { method: 'POST', body: { uses: 2 } });
  const { join_token: joinToken } = v.parse(JoinTokenResponseSchema, await made.json());
  const { token } = await hub.enroll(NODE);
  await hub.post(NODE, token, snapshot({ node: NODE, runtimes: [runtimeRecord({ state: 'degraded' })] }));
  const finished = await restore('first');
  await hub.post(
    NODE,
    token,
    snapshot({ node: NODE, seq: 2, runtimes: [runtimeRecord({ state: 'degraded' })] }),
  );
  const done = { state: 'completed', result: { state: 'ready' } };
  const told = await hub.ask(`/nodes/${NODE}/commands/${finished}`, { method: 'POST', token, body: done });
  expect(told.status).toBe(204);
  const open = await restore('second');
  const matrix = await hub.matrixWhere(({ items }) => NODE in items);
  const nodes = v.parse(NodesSchema, await (await hub.ask('/state/nodes')).json());

  await downgrade(SHARD, SHARD_V1);
  await downgrade(FLEET, FLEET_V1);
  await hub.evict(SHARD);
  await hub.evict(FLEET);

  const after = await hub.matrixWhere(({ items }) => NODE in items);
  // A snapshot whose state did not change is not written: only the times differ.
  const times = { age_seconds: 0, received_at: '', expires_at: '', seq: 0 };
  expect({ ...after.items[NODE], ...times }).toEqual({ ...matrix.items[NODE], ...times });
  expect(v.parse(NodesSchema, await (await hub.ask('/state/nodes')).json())).toEqual(nodes);
  const job = async (id: string) =>
    v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json());
  expect(await job(finished)).toMatchObject({ state: 'completed', result: { state: 'ready' } });
  expect(await job(open)).toMatchObject({ state: 'queued' });
  // A key is remembered too: the same order is the same job.
  expect(await restore('second')).toBe(open);
  // The node's token, the queue and the join token work on.
  const heard = await hub.post(NODE, token, snapshot({ node: NODE, seq: 3 }));
  expect(await heard.json()).toMatchObject({ commands: [{ id: open }] });
  const enrolled = await hub.ask('/nodes/enroll', {
    method: 'POST',
    token: null,
    body: { join_token: joinToken, node: 'gpu-02' },
  });
  expect(enrolled.status).toBe(201);
  const versions = await until(
    () => hub.sql(SHARD, 'SELECT version FROM schema_version ORDER BY version'),
    (rows) => rows.length > 0,
  );
  expect(versions.map(({ version }) => version)).toEqual(versions.map((_row, index) => index + 1));
});

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
  await downgrade(SHARD, SHARD_V1);
  await hub.evict(SHARD);

  const later = await restore('e', node);
  const heard = await hub.post(node, token, snapshot({ node, seq: 2 }));
  const { commands } = v.parse(HealthResponseSchema, await heard.json());
  expect(commands.map(({ id }) => id)).toEqual([third, first, fourth, second, later]);
});

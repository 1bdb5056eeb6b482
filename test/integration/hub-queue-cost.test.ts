// What a command costs: rows and alarms, counted where they are written. On the platform each of them is billed.

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandAcceptedSchema, JobSchema } from '../../contract/command.ts';
import { FLEET, Hub, SHARD, until } from '../support/hub.ts';
import { snapshot } from '../support/snapshot.ts';

const NODE = 'gpu-01';

let hub: Hub;
let token: string;

beforeAll(async () => {
  hub = await Hub.start();
  ({ token } = await hub.enroll(NODE));
  await count('NodeShard', ['commands', 'snapshots']);
  await count('Fleet', ['audit', 'nodes']);
});
afterAll(() => hub.stop());

/** From here on each row that is written or deleted in the tables is counted by the database itself. */
async function count(object: 'NodeShard' | 'Fleet', tables: readonly string[]): Promise<void> {
  const name = object === 'Fleet' ? FLEET : SHARD;
  await hub.sql(name, 'CREATE TABLE counted (what TEXT NOT NULL)');
  for (const table of tables) {
    for (const event of ['INSERT', 'UPDATE', 'DELETE']) {
      await hub.sql(
        name,
        `CREATE TRIGGER counted_${table}_${event} AFTER ${event} ON ${table}
         BEGIN INSERT INTO counted VALUES ('${table}'); END`,
      );
    }
  }
}

/** What was written since the last look, by table. */
async function counted(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const object of [SHARD, FLEET]) {
    for (const { what, n } of await hub.sql(
      object,
      'SELECT what, count(*) AS n FROM counted GROUP BY what',
    )) {
      found[String(what)] = Number(n);
    }
    await hub.sql(object, 'DELETE FROM counted');
  }
  return found;
}

async function act(): Promise<string> {
  const answer = await hub.ask(`/orchestrator/runtimes/${NODE}%2Fllama.70b/start`, { method: 'POST' });
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

async function completed(id: string): Promise<void> {
  await until(
    async () => v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json()),
    ({ state }) => state === 'completed',
  );
}

test('a command over a socket is three rows of the queue and one of the log', async () => {
  const uplink = await hub.uplink(NODE, token);
  await uplink.report(snapshot({ node: NODE, seq: 1 }));
  await counted();
  const id = await act();
  await uplink.next('command');
  expect(await counted()).toEqual({ commands: 1, audit: 1 });
  uplink.send({ type: 'command.received', id });
  uplink.send({ type: 'command.done', id, ok: true });
  await completed(id);
  expect(await counted()).toEqual({ commands: 2 });
  // What repeats says nothing new.
  uplink.send({ type: 'command.received', id });
  uplink.send({ type: 'command.done', id, ok: true });
  await uplink.report(snapshot({ node: NODE, seq: 2 }));
  expect(await counted()).toEqual({});
  await uplink.close();
});

test('reading jobs, and heartbeats of a node whose command runs, write nothing', async () => {
  const uplink = await hub.uplink(NODE, token);
  await uplink.report(snapshot({ node: NODE, seq: 3 }));
  const id = await act();
  uplink.send({ type: 'command.received', id });
  await uplink.report(snapshot({ node: NODE, seq: 4 }));
  await counted();
  for (let seq = 5; seq < 15; seq += 1) {
    await uplink.report(snapshot({ node: NODE, seq }));
    await hub.ask(`/orchestrator/jobs/${id}`);
    await hub.ask('/state/jobs');
  }
  expect(await counted()).toEqual({});
  await uplink.close();
});

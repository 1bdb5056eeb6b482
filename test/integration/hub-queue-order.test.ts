// The order of a queue: as commands were accepted, whatever the clock says and however often memory is lost.

import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandAcceptedSchema, JobSchema, type Command, type Job } from '../../contract/command.ts';
import { HealthResponseSchema } from '../../contract/node-api.ts';
import { Hub, SHARD } from '../support/hub.ts';
import { snapshot } from '../support/snapshot.ts';

let hub: Hub;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

async function queue(node: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const path = `/orchestrator/runtimes/${node}%2Fllama.70b/start`;
    const answer = await hub.ask(path, { method: 'POST' });
    ids.push(v.parse(CommandAcceptedSchema, await answer.json()).job_id);
  }
  return ids;
}

async function beat(node: string, token: string): Promise<Command[]> {
  seq += 1;
  const answer = await hub.post(node, token, snapshot({ node, seq }));
  return v.parse(HealthResponseSchema, await answer.json()).commands;
}

async function enrolled(node: string): Promise<string> {
  const { token } = await hub.enroll(node);
  await beat(node, token);
  return token;
}

async function progress(node: string, token: string, id: string, body: object): Promise<Job> {
  const path = `/nodes/${node}/commands/${encodeURIComponent(id)}`;
  expect((await hub.ask(path, { method: 'POST', token, body })).status).toBe(204);
  return v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json());
}

test('commands of one millisecond stay in order over an eviction, and later ones come behind them', async () => {
  const token = await enrolled('hasty');
  const first = await queue('hasty', 8);
  await hub.sql(SHARD, "UPDATE commands SET issued_at = 1 WHERE node = 'hasty'");
  await hub.evict(SHARD);
  const later = await queue('hasty', 2);
  // As if the clock had been set back meanwhile.
  await hub.sql(SHARD, 'UPDATE commands SET issued_at = 0 WHERE id IN (?, ?)', ...later);
  await hub.evict(SHARD);

  const commands = await beat('hasty', token);
  expect(commands.map(({ id }) => id)).toEqual([...first, ...later]);
});

test('an end that overtakes its acknowledgement stays the end', async () => {
  const token = await enrolled('overtaking');
  const [id = ''] = await queue('overtaking', 1);
  await beat('overtaking', token);
  const done = { state: 'completed', result: { state: 'ready' } };
  const ended = await progress('overtaking', token, id, done);
  expect(ended).toMatchObject({ state: 'completed', result: { state: 'ready' } });

  expect(await progress('overtaking', token, id, { state: 'received' })).toEqual(ended);
  const failed = { state: 'failed', error: { reason: 'late', message: 'Too late' } };
  expect(await progress('overtaking', token, id, failed)).toEqual(ended);
  expect(await beat('overtaking', token)).toEqual([]);
});

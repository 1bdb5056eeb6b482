// A hub at home that is killed, loses its workerd, or comes back with other settings: nothing is lost or left behind.

import * as v from 'valibot';
import { expect, test } from 'vitest';
import { CommandAcceptedSchema } from '../../contract/command.ts';
import { SupervisorSchema } from '../../contract/read-models.ts';
import { eventually } from '../support/eventually.ts';
import { LogEvents } from '../support/log-events.ts';
import { processesWith } from '../support/processes.ts';
import { nobodyWith, ServedHub, workerdOf } from '../support/served-hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { UplinkClient } from '../support/uplink-client.ts';

const NODE = 'gpu-01';

test('kill -9 loses nothing: registry, queue and last snapshot are there again', async () => {
  const data = await temporaryFolder();
  const first = await ServedHub.ready(data);
  const token = await first.enrol(NODE);
  const client = await UplinkClient.admitted(new URL(first.url), NODE, token);
  await client.report(snapshot({ seq: 41 }));
  const answer = await first.ask('POST', `/orchestrator/runtimes/${NODE}%2Fllama.70b/restore`);
  const { job_id: id } = v.parse(CommandAcceptedSchema, await answer.json());
  await client.next('command');

  first.program.kill('SIGKILL');
  await first.program.ended;
  // Whoever is killed that way ends nobody: somebody else does.
  await nobodyWith(data);
  await client.closed;

  const second = await ServedHub.ready(data);
  expect((await second.matrix()).items[NODE]).toMatchObject({ seq: 41, stale: false, uplink: 'closed' });
  expect(await second.job(id)).toMatchObject({ state: 'delivered', attempts: 1 });
  const again = await UplinkClient.admitted(new URL(second.url), NODE, token);
  expect(await again.next('command')).toMatchObject({ id, attempt: 2 });
  again.send({ type: 'command.done', id, ok: true });
  await again.report(snapshot({ seq: 42 }));
  expect(await second.job(id)).toMatchObject({ state: 'completed' });
  await again.close();
});

test('kill -9 of workerd cuts a log that is followed, and leaves nothing of it behind', async () => {
  const data = await temporaryFolder();
  const first = await ServedHub.ready(data);
  const token = await first.enrol(NODE);
  const client = await UplinkClient.admitted(new URL(first.url), NODE, token);
  await client.report(snapshot());
  const url = (served: ServedHub): URL =>
    new URL(`/orchestrator/runtimes/${NODE}%2Fllama.70b/logs?follow=1`, served.url);
  const opening = LogEvents.open(url(first), first.token);
  const { id } = await client.next('command');
  client.send({ type: 'log.chunk', id, seq: 0, lines: ['before'] });
  const reader = await opening;
  await reader.linesWhere((lines) => lines.length > 0, 'a line');

  process.kill(await workerdOf(data), 'SIGKILL');
  expect(await reader.over).toBe('cut');
  expect(reader.events.map(({ event }) => event)).toEqual(['log']);
  await first.program.ended;
  await client.closed;

  const second = await ServedHub.ready(data);
  const again = await UplinkClient.admitted(new URL(second.url), NODE, token);
  await again.report(snapshot({ seq: 2 }));
  expect(again.frames).toEqual([]);
  again.send({ type: 'log.chunk', id, seq: 1, lines: ['after'] });
  expect(await again.next('command.cancel')).toMatchObject({ id });
  expect((await second.ask('GET', `/orchestrator/jobs/${id}`)).status).toBe(404);
  await again.close();
});

test('kill -9 while a chat is relayed: the action has failed and says why, and the next one passes', async () => {
  const data = await temporaryFolder();
  const first = await ServedHub.ready(data);
  const token = await first.enrol(NODE);
  const client = await UplinkClient.admitted(new URL(first.url), NODE, token, ['relay']);
  await client.report(snapshot());
  const body = { kind: 'chat.respond', input: { prompt: 'Hi' } };
  const answer = await first.ask('POST', '/actions', { body });
  const { id } = v.parse(v.object({ id: v.string() }), await answer.json());
  await client.next('relay.open');
  process.kill(await workerdOf(data), 'SIGKILL');
  await first.program.ended;
  await client.closed;

  const second = await ServedHub.ready(data);
  const told = await second.ask('GET', `/actions/${encodeURIComponent(id)}`);
  expect(await told.json()).toMatchObject({ id, state: 'failed', error: { reason: 'hub-restarted' } });
  const again = await UplinkClient.admitted(new URL(second.url), NODE, token, ['relay']);
  await again.report(snapshot({ seq: 2 }));
  expect((await second.ask('POST', '/actions', { body })).status).toBe(202);
  expect((await again.next('relay.open')).id).not.toBe(id);
  await again.close();
});

test('a workerd that a killed hub left behind is ended by the next hub', async () => {
  const data = await temporaryFolder();
  const first = await ServedHub.ready(data);
  // The one who would have cleaned up is killed first: it waits on the pid of workerd.
  const pid = await workerdOf(data);
  const watchers = (await processesWith(`sh ${pid}`)).filter((line) => line.endsWith(` ${pid}`));
  expect(watchers).toHaveLength(1);
  process.kill(Number.parseInt(watchers[0] ?? '', 10), 'SIGKILL');
  first.program.kill('SIGKILL');
  await first.program.ended;
  expect(await processesWith(data)).toHaveLength(1);

  const second = await ServedHub.ready(data);
  expect(await second.matrix()).toMatchObject({ items: {} });
  await eventually(
    'the orphan is gone',
    async () => !(await processesWith(data)).some((line) => line.startsWith(`${pid} `)),
  );
});

test('ends when workerd does, and says so', async () => {
  const data = await temporaryFolder();
  const served = await ServedHub.ready(data);
  const pid = await workerdOf(data);
  process.kill(pid, 'SIGKILL');
  const ended = await served.program.ended;
  expect(ended.exitCode).toBe(1);
  expect(served.errors).toContain('arw-hub: workerd ended by itself (SIGKILL)');
  await nobodyWith(data);
});

/** Orders a restart of the one runtime that a node has; its job. */
async function restore(hub: ServedHub, node: string): Promise<string> {
  const answer = await hub.ask('POST', `/orchestrator/runtimes/only-${node}/restore`);
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

test('more shards than before: each node is there once, and jobs from before are found', async () => {
  const data = await temporaryFolder();
  const nodes = Array.from({ length: 8 }, (_, index) => `gpu-${index}`);
  const tokens = new Map<string, string>();
  const report = async (hub: ServedHub, node: string, seq: number): Promise<void> => {
    const runtimes = [runtimeRecord({ id: `only-${node}` })];
    const body = snapshot({ node, seq, runtimes });
    const answer = await hub.ask('POST', `/nodes/${node}/health`, { token: tokens.get(node) ?? '', body });
    expect(answer.status).toBe(200);
  };

  const one = await ServedHub.ready(data);
  const jobs: string[] = [];
  for (const node of nodes) {
    tokens.set(node, await one.enrol(node));
    await report(one, node, 1);
    jobs.push(await restore(one, node));
  }
  await one.program.stop();

  const three = await ServedHub.ready(data, [], { FLEET_SHARDS: '3' });
  for (const node of nodes) await report(three, node, 2);
  // Not parsed: of two members of one name a parser would keep one.
  const text = await (await three.ask('GET', '/state/runtime_matrix')).text();
  for (const node of nodes) expect(text.split(`"target":"${node}"`)).toHaveLength(2);
  expect(Object.values((await three.matrix()).items).map(({ seq }) => seq)).toEqual(nodes.map(() => 2));
  const supervisor = await (await three.ask('GET', '/state/runtime_supervisor')).json();
  expect(v.parse(SupervisorSchema, supervisor).runtimes).toHaveLength(nodes.length);
  for (const node of nodes) await restore(three, node);
  for (const id of jobs) expect(await three.job(id)).toMatchObject({ job_id: id });
});

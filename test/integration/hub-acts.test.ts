// Every act on a runtime over HTTP: what its body may say, what is refused before the node hears of it, and what its
// node gets. The life of a command is in hub-commands.test.ts.

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BudgetRefusalSchema,
  COMMAND_KINDS,
  CommandAcceptedSchema,
  JobSchema,
  type CommandAccepted,
  type CommandKind,
} from '../../contract/command.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import { Hub, reasonOf } from '../support/hub.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const RESET_AT = new Date(Date.now() + 300_000).toISOString();

/** A body that each kind takes, as text: the way it comes. */
const BODIES: Record<CommandKind, string> = {
  restore: '{"restart":true,"preset":"long"}',
  start: '{}',
  shutdown: '{}',
  drain: '{"then":"shutdown","timeout_seconds":30}',
  undrain: '{}',
  load: '{"model":"org/model:q4"}',
  unload: '{"model":"org/model:q4"}',
  switch: '{"preset":"long","sandbox":"bwrap"}',
  budget: '{"max_restarts":5,"window_seconds":900}',
};

let hub: Hub;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

async function act(
  node: string,
  kind: CommandKind,
  body: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const path = `/orchestrator/runtimes/${node}%2Fllama.70b/${kind}`;
  return hub.ask(path, { method: 'POST', body, headers });
}

async function accepted(answer: Response): Promise<CommandAccepted> {
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json());
}

/** A node with one runtime that is up and has the budget. */
async function serving(node: string, budget: RestartBudget = fullBudget()): Promise<UplinkClient> {
  const { token } = await hub.enroll(node);
  const client = await hub.uplink(node, token);
  await report(client, node, budget);
  return client;
}

async function report(client: UplinkClient, node: string, budget: RestartBudget): Promise<void> {
  seq += 1;
  const record = runtimeRecord({ budget });
  await client.report(
    snapshot({ node, seq, runtimes: [{ ...record, status: { ...record.status, pid: 42 } }] }),
  );
}

describe('an act', () => {
  let client: UplinkClient;
  beforeAll(async () => {
    client = await serving('acting');
  });
  afterAll(async () => client.close());

  test.each(COMMAND_KINDS)(
    '%s reaches its node with its arguments, and its job tells its end',
    async (kind) => {
      const told = await accepted(await act('acting', kind, BODIES[kind]));
      expect(told).toMatchObject({ ok: true, pending: true, delivered: true, restart_budget: fullBudget() });
      const command = await client.next('command');
      expect(command).toMatchObject({ id: told.job_id, kind, args: JSON.parse(BODIES[kind]) });

      const result = { state: 'ready', later: { than: 'this hub' } };
      client.send({ type: 'command.done', id: told.job_id, ok: true, result });
      await report(client, 'acting', fullBudget());
      const job = await hub.ask(`/orchestrator/jobs/${told.job_id}`);
      expect(v.parse(JobSchema, await job.json())).toMatchObject({ kind, state: 'completed', result });
    },
  );

  test.each(COMMAND_KINDS)('%s is only for POST, named either way', async (kind) => {
    for (const id of ['llama.70b', 'acting%2Fllama.70b', 'acting/llama.70b']) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const answer = await hub.ask(`/orchestrator/runtimes/${id}/${kind}`, { method });
        expect(answer.headers.get('allow')).toBe('POST');
        expect(await reasonOf(answer)).toBe('method-not-allowed');
      }
    }
  });

  test.each<[CommandKind, string, RegExp]>([
    ['undrain', '{"then":"hold"}', /^then: is not known here; leave it out/],
    ['drain', '{"then":"stop"}', /^then: .*"hold".*"shutdown".*"restart"/],
    ['drain', '{"timeout_seconds":0}', /^timeout_seconds: must be a whole number from 1 to 3000$/],
    ['drain', '{"timeout":5}', /^timeout: is not known here; what is taken: then, timeout_seconds$/],
    ['load', '{}', /^model: is missing$/],
    ['load', '', /^model: is missing$/],
    ['load', '{"model":""}', /^model: /],
    ['unload', '{"model":7}', /^model: .*string/],
    ['unload', '{"model":"a","force":true}', /^force: is not known here; what is taken: model$/],
    ['switch', '{}', /^body: must name a preset or a sandbox$/],
    ['switch', '{"preset":"../x"}', /^preset: must be a preset name$/],
    ['switch', '{"sandbox":"chroot"}', /^sandbox: .*"none".*"bwrap".*"container"/],
    ['budget', '{}', /^body: must name max_restarts or window_seconds$/],
    ['budget', '{"max_restarts":1.5}', /^max_restarts: must be a whole number from 0 to 1000$/],
    ['budget', '{"window_seconds":0}', /^window_seconds: must be a whole number from 1 to 2592000$/],
    ['budget', '{"max":1}', /^max: is not known here; what is taken: max_restarts, window_seconds$/],
  ])('%s does not take %j, and says why', async (kind, body, words) => {
    const answer = await act('acting', kind, body);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe('malformed-body');
  });

  test.each(COMMAND_KINDS)('%s is one command under one key', async (kind) => {
    const key = { 'idempotency-key': `press-${kind}` };
    const first = await accepted(await act('acting', kind, BODIES[kind], key));
    const repeat = await act('acting', kind, BODIES[kind], key);
    expect(repeat.headers.get('idempotency-replayed')).toBe('true');
    expect((await accepted(repeat)).job_id).toBe(first.job_id);
    await client.next('command');
    expect(client.frames).toEqual([]);
    client.send({ type: 'command.done', id: first.job_id, ok: true });
  });

  test('a key of another request is refused, with the job that has it', async () => {
    const key = { 'idempotency-key': 'one-model' };
    const first = await accepted(await act('acting', 'load', '{"model":"a"}', key));
    const answer = await act('acting', 'load', '{"model":"b"}', key);
    expect(answer.status).toBe(422);
    expect(await answer.clone().json()).toMatchObject({ job_id: first.job_id });
    expect(await reasonOf(answer)).toBe('key-taken');
    await client.next('command');
    client.send({ type: 'command.done', id: first.job_id, ok: true });
  });
});

describe('beyond the budget', () => {
  test.each<[CommandKind, string]>([
    ['switch', '{"preset":"long"}'],
    ['drain', '{"then":"restart"}'],
  ])('%s %s is refused with when to come back and what to do', async (kind, body) => {
    const node = `spent-${kind}`;
    const client = await serving(node, emptyBudget(RESET_AT));
    const answer = await act(node, kind, body);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(200);
    const refusal = v.parse(BudgetRefusalSchema, await answer.clone().json());
    expect(refusal).toMatchObject({ node, detail: expect.stringContaining('raise max_restarts') });
    expect(await reasonOf(answer)).toBe('budget-exhausted');
    await report(client, node, emptyBudget(RESET_AT));
    expect(client.frames).toEqual([]);
    await client.close();
  });

  test('what was refused passes once the budget is raised, also before the node has reported that', async () => {
    const node = 'raised';
    const client = await serving(node, emptyBudget(RESET_AT));
    expect((await act(node, 'restore', '{}')).status).toBe(429);

    const { job_id: id } = await accepted(await act(node, 'budget', '{"max_restarts":9}'));
    await accepted(await act(node, 'restore', '{}'));
    expect(await client.next('command')).toMatchObject({ kind: 'budget' });
    expect(await client.next('command')).toMatchObject({ kind: 'restore' });
    client.send({ type: 'command.done', id, ok: true });

    // A later report is the truth again, whatever it says.
    await report(client, node, emptyBudget(RESET_AT));
    expect((await act(node, 'switch', '{"preset":"long"}')).status).toBe(429);
    await client.close();
  });
});

test('a runtime that drains says so wherever it is shown', async () => {
  const { token } = await hub.enroll('draining');
  const record = runtimeRecord();
  const runtimes = [{ ...record, status: { ...record.status, draining: true } }];
  await hub.post('draining', token, snapshot({ node: 'draining', runtimes }));

  const { items } = await hub.matrixWhere((matrix) => 'draining' in matrix.items);
  expect(items['draining']?.runtimes?.[0]?.status.draining).toBe(true);
  const supervisor = await hub.ask('/state/runtime_supervisor?node=draining');
  expect(await supervisor.json()).toMatchObject({ runtimes: [{ status: { draining: true } }] });
});

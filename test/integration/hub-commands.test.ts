// Commands: accepted durably, delivered signed over both ways, told again until they are taken, and ended once.

import { createHmac } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BudgetRefusalSchema,
  CommandAcceptedSchema,
  commandSigningText,
  JobSchema,
  type Command,
  type CommandAccepted,
  type Job,
} from '../../contract/command.ts';
import { HealthResponseSchema, type EnrollResponse } from '../../contract/node-api.ts';
import { Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import type { UplinkClient } from '../support/uplink-client.ts';

const RUNTIME = 'llama.70b';
const RESULT = { state: 'ready', pid: 7 };
const ERROR = { reason: 'no-model', message: 'The model is missing' };

let hub: Hub;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

async function act(
  runtime: string,
  kind = 'restore',
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<Response> {
  const path = `/orchestrator/runtimes/${encodeURIComponent(runtime)}/${kind}`;
  return hub.ask(path, { method: 'POST', body, headers });
}

async function accepted(answer: Response): Promise<CommandAccepted> {
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json());
}

async function job(id: string): Promise<Job> {
  const answer = await hub.ask(`/orchestrator/jobs/${encodeURIComponent(id)}`);
  return v.parse(JobSchema, await answer.json());
}

async function jobWhere(id: string, state: Job['state']): Promise<Job> {
  return until(
    () => job(id),
    (found) => found.state === state,
  );
}

/** A heartbeat over POST; the commands in its answer. */
async function beat(node: string, token: string, bootId = 'boot-1'): Promise<Command[]> {
  seq += 1;
  const answer = await hub.post(node, token, snapshot({ node, seq, bootId }));
  return v.parse(HealthResponseSchema, await answer.json()).commands;
}

async function progress(node: string, token: string, id: string, body: unknown): Promise<Response> {
  return hub.ask(`/nodes/${node}/commands/${encodeURIComponent(id)}`, { method: 'POST', token, body });
}

async function enrolled(node: string): Promise<EnrollResponse> {
  const given = await hub.enroll(node);
  await beat(node, given.token);
  return given;
}

async function linked(node: string): Promise<EnrollResponse & { client: UplinkClient }> {
  const given = await enrolled(node);
  return { ...given, client: await hub.uplink(node, given.token) };
}

/** Waits until the hub has taken everything that was sent, and has sent everything that it had to. */
async function settled(client: UplinkClient, node: string): Promise<void> {
  seq += 1;
  await client.report(snapshot({ node, seq }));
}

function isSigned(node: string, key: string, command: Command): boolean {
  const mac = createHmac('sha256', Buffer.from(key, 'base64url'));
  return mac.update(commandSigningText(node, command)).digest().toString('base64url') === command.signature;
}

describe('over a socket', () => {
  test('queued, delivered, signed, running, completed', async () => {
    const { client, command_key: key } = await linked('whole');
    const answer = await act('whole/llama.70b', 'restore', { restart: true, preset: 'long' });
    const told = await accepted(answer);
    expect(told).toMatchObject({
      ok: true,
      runtime_id: RUNTIME,
      node: 'whole',
      pending: true,
      delivered: true,
      restart_budget: fullBudget(),
    });

    const command = await client.next('command');
    expect(command).toMatchObject({
      id: told.job_id,
      kind: 'restore',
      runtime: RUNTIME,
      args: { restart: true, preset: 'long' },
      attempt: 1,
    });
    expect(isSigned('whole', key, command)).toBe(true);
    expect(isSigned('whole', key, { ...command, args: {} })).toBe(false);
    expect(Date.parse(command.expires_at) - Date.parse(command.issued_at)).toBe(600_000);
    expect(await job(command.id)).toMatchObject({ state: 'delivered', delivered: true, attempts: 1 });

    client.send({ type: 'command.received', id: command.id });
    expect(await jobWhere(command.id, 'running')).toHaveProperty('received_at');
    client.send({ type: 'command.done', id: command.id, ok: true, result: RESULT });
    expect(await jobWhere(command.id, 'completed')).toMatchObject({ result: RESULT, attempts: 1 });
    await client.close();
  });

  test('a failure is told with its reason, and what came first stays', async () => {
    const { client } = await linked('failing');
    const { job_id: id } = await accepted(await act('failing/llama.70b', 'start'));
    await client.next('command');
    client.send({ type: 'command.done', id, ok: false, error: ERROR });
    client.send({ type: 'command.done', id, ok: true, result: RESULT });
    client.send({ type: 'command.received', id });
    await settled(client, 'failing');

    const ended = await job(id);
    expect(ended).toMatchObject({ kind: 'start', state: 'failed', error: ERROR });
    expect(ended).not.toHaveProperty('result');
    expect(client.frames).toEqual([]);
    await client.close();
  });

  test('what was not done is sent again over the next socket, what is done never', async () => {
    const { client, token } = await linked('again');
    const { job_id: id } = await accepted(await act('again/llama.70b', 'shutdown'));
    expect(await client.next('command')).toMatchObject({ id, attempt: 1 });
    client.socket.terminate();

    const second = await hub.uplink('again', token);
    const command = await second.next('command');
    expect(command).toMatchObject({ id, attempt: 2 });
    second.send({ type: 'command.received', id });
    await jobWhere(id, 'running');
    await second.close();

    // It was taken, but nobody has heard its end: the journal of the node knows it.
    const third = await hub.uplink('again', token);
    expect(await third.next('command')).toMatchObject({ id, attempt: 3 });
    third.send({ type: 'command.done', id, ok: true });
    await settled(third, 'again');
    await third.close();

    const fourth = await hub.uplink('again', token);
    await settled(fourth, 'again');
    expect(fourth.frames).toEqual([]);
    expect(await job(id)).toMatchObject({ state: 'completed', attempts: 3 });
    await fourth.close();
  });

  test('a node whose socket is gone gets it with its next one, all in order', async () => {
    const { client, token } = await linked('away');
    await client.close();
    await hub.matrixWhere(({ items }) => items['away']?.uplink !== 'open');

    const kinds = ['shutdown', 'start', 'restore'];
    for (const kind of kinds) {
      const told = await accepted(await act('away/llama.70b', kind));
      expect(told.delivered).toBe(false);
      expect(await job(told.job_id)).toMatchObject({ state: 'queued', delivered: false, attempts: 0 });
    }

    const back = await hub.uplink('away', token);
    const order = [];
    for (let count = 0; count < kinds.length; count += 1) order.push((await back.next('command')).kind);
    expect(order).toEqual(kinds);
    await back.close();
  });

  test('a node that speaks over a socket cannot end the command of another', async () => {
    const { client } = await linked('meddler');
    const { client: victim } = await linked('victim');
    const { job_id: id } = await accepted(await act('victim/llama.70b'));
    client.send({ type: 'command.done', id, ok: true });
    expect(await client.next('reject')).toMatchObject({ problem: { status: 404 } });
    expect(await job(id)).toMatchObject({ state: 'delivered' });
    await client.close();
    await victim.close();
  });
});

describe('over POST', () => {
  test('comes with the next heartbeat, and its progress is posted', async () => {
    const { token, command_key: key } = await enrolled('posting');
    const told = await accepted(await act('posting/llama.70b'));
    expect(told.delivered).toBe(false);

    const [command, ...others] = await beat('posting', token);
    expect(others).toEqual([]);
    expect(command).toMatchObject({ id: told.job_id, attempt: 1 });
    expect(command && isSigned('posting', key, command)).toBe(true);
    // Not with each heartbeat, but to a reporter that was started anew.
    expect(await beat('posting', token)).toEqual([]);
    expect(await beat('posting', token, 'boot-2')).toMatchObject([{ id: told.job_id, attempt: 2 }]);

    expect((await progress('posting', token, told.job_id, { state: 'received' })).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'running' });
    const done = { state: 'completed', result: RESULT };
    expect((await progress('posting', token, told.job_id, done)).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'completed', result: RESULT });

    // A repeat of what the answer got lost of is no error, and changes nothing.
    const late = { state: 'failed', error: ERROR };
    expect((await progress('posting', token, told.job_id, late)).status).toBe(204);
    expect(await job(told.job_id)).toMatchObject({ state: 'completed' });
    expect(await beat('posting', token, 'boot-3')).toEqual([]);
  });

  test('a failure may be the first that is heard of it', async () => {
    const { token } = await enrolled('posting-failure');
    const { job_id: id } = await accepted(await act('posting-failure/llama.70b'));
    await beat('posting-failure', token);
    await progress('posting-failure', token, id, { state: 'failed', error: ERROR });
    expect(await job(id)).toMatchObject({ state: 'failed', error: ERROR });
  });

  test('progress of nothing, and progress that is none, are told', async () => {
    const { token } = await enrolled('vague');
    const stranger = await progress('vague', token, 'vague:1', { state: 'received' });
    expect(await reasonOf(stranger)).toBe('unknown-job');
    const { job_id: id } = await accepted(await act('vague/llama.70b'));
    for (const body of [{}, { state: 'done' }, { state: 'failed' }, '{']) {
      expect(await reasonOf(await progress('vague', token, id, body))).toBe('malformed-body');
    }
    expect(await job(id)).toMatchObject({ state: 'queued' });
  });
});

describe('a repeat under the same key', () => {
  const KEY = { 'idempotency-key': 'press-1' };

  test('is answered with the first job, also after it ended', async () => {
    const { client } = await linked('keyed');
    const first = await act('keyed/llama.70b', 'restore', {}, KEY);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    const { job_id: id } = await accepted(first);
    const [second, third] = await Promise.all([
      act('keyed/llama.70b', 'restore', {}, KEY),
      act('keyed/llama.70b', 'restore', {}, KEY),
    ]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await accepted(second)).toMatchObject({ job_id: id, delivered: true });
    expect(await accepted(third)).toMatchObject({ job_id: id });

    await client.next('command');
    client.send({ type: 'command.done', id, ok: true });
    await settled(client, 'keyed');
    expect(await accepted(await act('keyed/llama.70b', 'restore', {}, KEY))).toMatchObject({ job_id: id });
    await settled(client, 'keyed');
    expect(client.frames).toEqual([]);
    await client.close();
  });

  test('is one command although both came at once', async () => {
    const { token } = await enrolled('pressed-twice');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => act('pressed-twice/llama.70b', 'start', {}, KEY)),
    );
    const ids = await Promise.all(answers.map(async (answer) => (await accepted(answer)).job_id));
    expect(new Set(ids).size).toBe(1);
    expect(await beat('pressed-twice', token)).toHaveLength(1);
  });

  test('is another command for another act', async () => {
    await enrolled('two-acts');
    const { job_id: one } = await accepted(await act('two-acts/llama.70b', 'start', {}, KEY));
    const { job_id: two } = await accepted(await act('two-acts/llama.70b', 'shutdown', {}, KEY));
    expect(two).not.toBe(one);
  });

  test('is answered although the runtime is not reported any more', async () => {
    const { token } = await enrolled('dropped');
    const { job_id: id } = await accepted(await act('dropped/llama.70b', 'shutdown', {}, KEY));
    seq += 1;
    await hub.post('dropped', token, snapshot({ node: 'dropped', seq, runtimes: [] }));
    const repeat = await act('dropped/llama.70b', 'shutdown', {}, KEY);
    expect(await accepted(repeat)).toMatchObject({ job_id: id });
  });

  test.each(['', 'two words', 'x'.repeat(201), 'ü'])('takes no key %j', async (key) => {
    const answer = await act('unused/llama.70b', 'start', {}, { 'idempotency-key': key });
    expect(await reasonOf(answer)).toBe('malformed-body');
  });
});

describe('a restore beyond the budget', () => {
  const RESET_AT = new Date(Date.now() + 300_000).toISOString();

  async function exhausted(node: string, resetAt = RESET_AT): Promise<string> {
    const { token } = await hub.enroll(node);
    const runtimes = [runtimeRecord({ state: 'error', budget: emptyBudget(resetAt) })];
    await hub.post(node, token, snapshot({ node, runtimes }));
    return token;
  }

  test('is refused with when to come back, and a job that says why', async () => {
    const token = await exhausted('spent');
    const answer = await act('spent/llama.70b', 'restore', {}, { 'idempotency-key': 'again' });

    expect(answer.status).toBe(429);
    const wait = Number(answer.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(200);
    expect(wait).toBeLessThanOrEqual(300);
    const body: unknown = await answer.clone().json();
    expect(await reasonOf(answer)).toBe('budget-exhausted');
    const refusal = v.parse(BudgetRefusalSchema, body);
    expect(refusal).toMatchObject({ runtime_id: RUNTIME, restart_budget: emptyBudget(RESET_AT) });
    expect(body).toMatchObject({ detail: expect.stringContaining(RESET_AT) });
    expect(await job(refusal.job_id)).toMatchObject({
      state: 'failed',
      delivered: false,
      error: { reason: 'budget-exhausted' },
    });
    expect(await beat('spent', token)).toEqual([]);
    // A key under which nothing was done is free: by now the budget is reported as full.
    await accepted(await act('spent/llama.70b', 'restore', {}, { 'idempotency-key': 'again' }));
  });

  test.each<[string, string, object]>([
    ['force', 'restore', { force: true }],
    ['a start where it is down', 'restore', { restart: false }],
    ['another act', 'shutdown', {}],
    ['a start', 'start', {}],
  ])('passes with %s', async (what, kind, body) => {
    const node = `spent-${what.replaceAll(' ', '-')}`;
    const token = await exhausted(node);
    const told = await accepted(await act(`${node}/llama.70b`, kind, body));
    expect(told.restart_budget).toEqual(emptyBudget(RESET_AT));
    expect(await beat(node, token)).toMatchObject([{ args: body }]);
  });

  test('passes once the window has freed, although the last report is older', async () => {
    await exhausted('freed', new Date(Date.now() - 1000).toISOString());
    expect(await accepted(await act('freed/llama.70b'))).toMatchObject({ restart_budget: { remaining: 0 } });
  });
});

describe('a name', () => {
  beforeAll(async () => {
    for (const node of ['twin-b', 'twin-a']) {
      const { token } = await hub.enroll(node);
      const runtimes = [runtimeRecord({ id: 'shared' }), runtimeRecord({ id: `only-${node}` })];
      await hub.post(node, token, snapshot({ node, runtimes }));
    }
    await hub.enroll('unheard');
  });

  test('that one node has is enough', async () => {
    const told = await accepted(await act('only-twin-a', 'shutdown'));
    expect(told).toMatchObject({ node: 'twin-a', runtime_id: 'only-twin-a' });
  });

  test('with a slash that nobody escaped is understood', async () => {
    const answer = await hub.ask('/orchestrator/runtimes/twin-b/shared/start', { method: 'POST' });
    expect(await accepted(answer)).toMatchObject({ node: 'twin-b', runtime_id: 'shared' });
  });

  test('that several nodes have is answered with them', async () => {
    const answer = await act('shared');
    expect(answer.status).toBe(409);
    expect(await answer.clone().json()).toMatchObject({ candidates: ['twin-a/shared', 'twin-b/shared'] });
    expect(await reasonOf(answer)).toBe('ambiguous-runtime');
  });

  test.each([
    ['twin-a/sharde', 'unknown-runtime', /twin-a\/shared/],
    ['only-twin-x', 'unknown-runtime', /only-twin-a/],
    ['twin-x/shared', 'unknown-node', /"twin-x"/],
    ['unheard/shared', 'unknown-runtime', /no report/],
    ['a b/shared', 'unknown-runtime', /<node>%2F<runtime>/],
    ['twin-a/', 'unknown-runtime', /<node>%2F<runtime>/],
  ])('%s is 404 and told what is there', async (name, reason, words) => {
    const answer = await act(name);
    expect(answer.status).toBe(404);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe(reason);
  });

  test.each(['nonsense', 'twin-a:', ':1', 'twin-a:1', 'nobody:1', 'a%20b:1', '%E0%A4', '%00:1'])(
    'of a job, %s, that is none is 404',
    async (id) => {
      expect(await reasonOf(await hub.ask(`/orchestrator/jobs/${id}`))).toBe('unknown-job');
    },
  );

  test.each<[string, unknown, RegExp]>([
    ['restore', { restart: 'yes' }, /^restart: /],
    ['restore', { forse: true }, /^forse: /],
    ['restore', { preset: '../x' }, /^preset: /],
    ['restore', '{', /not JSON/],
    ['restore', [], /./],
    ['start', { force: true }, /^force: /],
    ['shutdown', 'null', /./],
  ])('%s does not take %j', async (kind, body, words) => {
    const answer = await act('twin-a/shared', kind, body);
    expect(answer.status).toBe(400);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe('malformed-body');
  });
});

async function stored(id: string): Promise<Record<string, unknown> | undefined> {
  return (await hub.sql(SHARD, 'SELECT * FROM commands WHERE id = ?', id))[0];
}

describe('what waits', () => {
  test('expires by itself when nobody takes it', async () => {
    const { token } = await enrolled('expiring');
    const { job_id: id } = await accepted(await act('expiring/llama.70b'));
    await hub.sql(SHARD, 'UPDATE commands SET expires_at = ? WHERE id = ?', Date.now() + 200, id);
    await hub.evict(SHARD);
    const { job_id: other } = await accepted(await act('expiring/llama.70b', 'start'));
    // A change of the registry makes the shard look at its deadlines; in a life of ten minutes it was armed all along.
    await hub.enroll('expiring-onlooker');

    const ended = await until(
      () => stored(id),
      (row) => row?.['state'] === 'expired',
      5000,
    );
    expect(Number(ended?.['finished_at'])).toBeGreaterThanOrEqual(Number(ended?.['expires_at']));
    expect(await job(id)).toMatchObject({
      state: 'expired',
      delivered: false,
      error: { reason: 'expired', message: expect.stringContaining('nothing was done') },
    });
    expect(await beat('expiring', token)).toMatchObject([{ id: other }]);
  });

  test('has a limit for each node', async () => {
    await enrolled('flooded');
    const answers = await Promise.all(Array.from({ length: 100 }, () => act('flooded/llama.70b', 'start')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const last = await act('flooded/llama.70b', 'start');
    expect(last.status).toBe(429);
    expect(await reasonOf(last)).toBe('queue-full');

    await enrolled('not-flooded');
    expect((await act('not-flooded/llama.70b', 'start')).status).toBe(202);
  });
});

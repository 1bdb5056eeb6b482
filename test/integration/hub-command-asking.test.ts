// What an operator is answered who asks for an act: repeats, budgets, names, and what waits for a node.

import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BudgetRefusalSchema } from '../../contract/command.ts';
import { accepted, actingOn } from '../support/acting.ts';
import { Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

const RUNTIME = 'llama.70b';

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

const { act, job, beat, enrolled, linked, settled } = actingOn(() => hub);

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
    await hub.post('dropped', token, snapshot({ node: 'dropped', seq: 1000, runtimes: [] }));
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

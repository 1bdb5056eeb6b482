// Jobs that are taken back, listed, and corrected; and the audit log that tells who asked for them.

import { createHmac } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AuditSchema, type AuditEntry } from '../../contract/audit.ts';
import {
  cancelSigningText,
  CommandAcceptedSchema,
  JobSchema,
  JobsSchema,
  type Job,
  type Jobs,
} from '../../contract/command.ts';
import { HealthResponseSchema, type HealthResponse } from '../../contract/node-api.ts';
import { FLEET, Hub, reasonOf, SHARD, until } from '../support/hub.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';

let hub: Hub;
let node: string;
let token: string;
let key: string;
let count = 0;
let seq = 0;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());

beforeEach(async () => {
  count += 1;
  node = `gpu-${count}`;
  ({ token, command_key: key } = await hub.enroll(node));
  await beat();
});

async function beat(): Promise<HealthResponse> {
  seq += 1;
  const answer = await hub.post(node, token, snapshot({ node, seq }));
  return v.parse(HealthResponseSchema, await answer.json());
}

async function act(kind = 'start', body: object = {}, headers: Record<string, string> = {}): Promise<string> {
  const path = `/orchestrator/runtimes/${node}%2Fllama.70b/${kind}`;
  const answer = await hub.ask(path, { method: 'POST', body, headers });
  expect(answer.status).toBe(202);
  return v.parse(CommandAcceptedSchema, await answer.json()).job_id;
}

async function job(id: string): Promise<Job> {
  return v.parse(JobSchema, await (await hub.ask(`/orchestrator/jobs/${id}`)).json());
}

async function cancel(id: string): Promise<Response> {
  return hub.ask(`/orchestrator/jobs/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

async function progress(id: string, body: object): Promise<void> {
  const path = `/nodes/${node}/commands/${encodeURIComponent(id)}`;
  expect((await hub.ask(path, { method: 'POST', token, body })).status).toBe(204);
}

async function list(query = ''): Promise<Jobs> {
  return v.parse(JobsSchema, await (await hub.ask(`/state/jobs${query}`)).json());
}

async function audit(query = ''): Promise<AuditEntry[]> {
  return v.parse(AuditSchema, await (await hub.ask(`/audit${query}`)).json()).entries;
}

describe('a job that nobody wants any more', () => {
  const REFUSED = { reason: 'cancelled', message: 'It was cancelled before it began; nothing was done' };

  test('ends at once while it was not sent', async () => {
    const id = await act();
    const answer = await cancel(id);
    expect(answer.status).toBe(200);
    expect(v.parse(JobSchema, await answer.json())).toMatchObject({ state: 'cancelled', delivered: false });
    expect((await beat()).commands).toEqual([]);
    const late = await cancel(id);
    expect(await late.clone().json()).toMatchObject({ status: 409, job: { state: 'cancelled' } });
    expect(await reasonOf(late)).toBe('too-late');
  });

  test('is taken back over the socket, with a proof that the hub asks', async () => {
    const uplink = await hub.uplink(node, token);
    const id = await act();
    await uplink.next('command');
    const answer = await cancel(id);
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({
      state: 'delivered',
      cancel_requested_at: expect.any(String),
    });
    const frame = await uplink.next('command.cancel');
    const mac = createHmac('sha256', Buffer.from(key, 'base64url')).update(cancelSigningText(node, id));
    expect(frame).toMatchObject({ id, signature: mac.digest('base64url') });
    expect((await cancel(id)).status).toBe(202);

    uplink.send({ type: 'command.done', id, ok: false, error: REFUSED });
    const ended = await until(
      () => job(id),
      ({ state }) => state !== 'delivered',
    );
    expect(ended).toMatchObject({ state: 'cancelled', attempts: 1, error: REFUSED });
    expect(uplink.frames).toEqual([]);
    await uplink.close();
  });

  test('is taken back although the node was away and the hub lost its memory: it never comes again', async () => {
    const uplink = await hub.uplink(node, token);
    const id = await act();
    await uplink.next('command');
    await uplink.close();
    await hub.matrixWhere(({ items }) => items[node]?.uplink !== 'open');
    expect((await cancel(id)).status).toBe(202);
    await hub.evict(SHARD);
    const back = await hub.uplink(node, token);
    expect(await back.next('command.cancel')).toMatchObject({ id });
    back.send({ type: 'command.done', id, ok: false, error: REFUSED });
    await until(
      () => job(id),
      ({ state }) => state === 'cancelled',
    );
    expect(back.frames).toEqual([]);
    await back.close();
  });

  test('is taken back with the next report by POST', async () => {
    const id = await act();
    expect((await beat()).commands).toMatchObject([{ id }]);
    expect((await cancel(id)).status).toBe(202);
    const { commands, cancels } = await beat();
    expect(commands).toEqual([]);
    expect(cancels).toMatchObject([{ type: 'command.cancel', id }]);
    expect(await beat()).not.toHaveProperty('cancels');
    await progress(id, { state: 'failed', error: REFUSED });
    expect(await job(id)).toMatchObject({ state: 'cancelled' });
  });

  test('that its node has begun is too late, and says so', async () => {
    const id = await act();
    await beat();
    await progress(id, { state: 'received' });
    const late = await cancel(id);
    expect(await late.clone().json()).toMatchObject({ job: { job_id: id, state: 'running' } });
    expect(await reasonOf(late)).toBe('too-late');
    await progress(id, { state: 'completed' });
    expect(await job(id)).toMatchObject({ state: 'completed' });
  });

  test.each(['nonsense', 'nobody:1', 'gpu-1:1'])('%s is none', async (id) => {
    expect(await reasonOf(await cancel(id))).toBe('unknown-job');
  });
});

test('an end that the hub presumed is corrected by the one that the node tells', async () => {
  const id = await act();
  await beat();
  await hub.sql(SHARD, 'UPDATE commands SET expires_at = ? WHERE id = ?', Date.now() - 1, id);
  await hub.evict(SHARD);
  expect(await job(id)).toMatchObject({ state: 'expired' });
  await progress(id, { state: 'completed', result: { state: 'ready' } });
  const corrected = await job(id);
  expect(corrected).toMatchObject({ state: 'completed', result: { state: 'ready' } });
  expect(corrected).not.toHaveProperty('error');
  await progress(id, { state: 'failed', error: { reason: 'late', message: 'Too late' } });
  expect(await job(id)).toEqual(corrected);
});

describe('the list of jobs', () => {
  test('shows the newest first, page by page, filtered', async () => {
    const ids = [await act('start'), await act('shutdown'), await act('restore')];
    await cancel(ids[0] ?? '');
    const all = await list(`?node=${node}`);
    expect(all.jobs.map(({ job_id: id }) => id).toSorted()).toEqual(ids.toSorted());
    expect(all).not.toHaveProperty('next_cursor');
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const next = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await list(`?node=${node}&limit=1${next}`);
      seen.push(...page.jobs.map(({ job_id: id }) => id));
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(all.jobs.map(({ job_id: id }) => id));
    expect((await list(`?node=${node}&state=cancelled`)).jobs).toMatchObject([{ job_id: ids[0] }]);
    expect((await list(`?node=${node}&runtime=another`)).jobs).toEqual([]);
    expect((await list('?limit=1000')).jobs.length).toBeGreaterThanOrEqual(ids.length);
  });

  test.each(['limit=0', 'limit=1001', 'state=done', 'cursor=x', 'nod=x'])('takes no %s', async (query) => {
    expect(await reasonOf(await hub.ask(`/state/jobs?${query}`))).toBe('malformed-body');
  });
});

describe('the audit log', () => {
  const ADMIN = { role: 'admin', id: 'ARW_ADMIN_TOKEN' };

  test('tells who asked for what, forced or not, under which request', async () => {
    const runtimes = [runtimeRecord({ budget: emptyBudget(new Date(Date.now() + 60_000).toISOString()) })];
    seq += 1;
    await hub.post(node, token, snapshot({ node, seq, runtimes }));
    const refused = await hub.ask(`/orchestrator/runtimes/${node}%2Fllama.70b/restore`, { method: 'POST' });
    expect(refused.status).toBe(429);
    const id = await act('restore', { force: true }, { 'x-request-id': 'press-7' });
    await cancel(id);
    const entries = await audit(`?node=${node}`);
    expect(entries.map(({ action }) => action)).toEqual(['job.cancel', 'runtime.restore', 'node.enroll']);
    expect(entries[1]).toMatchObject({
      actor: ADMIN,
      runtime_id: 'llama.70b',
      job_id: id,
      args: { force: true },
      forced: true,
      request_id: 'press-7',
    });
    expect(await audit(`?node=${node}&forced=true`)).toEqual([entries[1]]);
    expect(await audit(`?node=${node}&action=job.cancel`)).toMatchObject([{ job_id: id, forced: false }]);
  });

  test('a repeat under one key is one act', async () => {
    const headers = { 'idempotency-key': 'once' };
    await act('start', {}, headers);
    await act('start', {}, headers);
    expect(await audit(`?node=${node}&action=runtime.start`)).toHaveLength(1);
  });

  test('knows join tokens, rotations and removals, and never a secret', async () => {
    const [enrolled] = await audit(`?node=${node}`);
    const joinTokens = await audit('?action=join_token.create');
    expect(joinTokens.map(({ args }) => args?.['id'])).toContain(enrolled?.actor.id);
    await hub.ask(`/nodes/${node}/token/rotate`, { method: 'POST', body: {} });
    await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
    const entries = await audit(`?node=${node}`);
    expect(entries.map(({ action }) => action)).toEqual(['node.remove', 'node.token.rotate', 'node.enroll']);
    const text = JSON.stringify(await audit('?limit=1000'));
    expect(text).not.toContain('arwj_');
    expect(text).not.toContain('arwn_');
  });

  test('is read page by page, newest first, by admins', async () => {
    await act('start');
    await act('shutdown');
    const first = v.parse(AuditSchema, await (await hub.ask(`/audit?node=${node}&limit=2`)).json());
    expect(first.entries.map(({ action }) => action)).toEqual(['runtime.shutdown', 'runtime.start']);
    const rest = await audit(`?node=${node}&limit=2&cursor=${first.next_cursor}`);
    expect(rest.map(({ action }) => action)).toEqual(['node.enroll']);
    expect(await reasonOf(await hub.ask('/audit', { token }))).toBe('forbidden');
    expect(await reasonOf(await hub.ask('/audit?limit=0'))).toBe('malformed-body');
  });

  test('is bounded, and each act is one entry', async () => {
    await hub.sql(FLEET, 'UPDATE audit SET id = id + 20000 WHERE id = (SELECT max(id) FROM audit)');
    await act('start');
    const [row] = await hub.sql(FLEET, 'SELECT count(*) AS n, max(id) AS newest FROM audit');
    expect(row?.['n']).toBe(2);
  });

  test('an act that cannot be noted is not done', async () => {
    await hub.sql(FLEET, 'ALTER TABLE audit RENAME TO elsewhere');
    try {
      const path = `/orchestrator/runtimes/${node}%2Fllama.70b/start`;
      expect((await hub.ask(path, { method: 'POST' })).status).toBe(500);
      expect((await hub.ask('/join-tokens', { method: 'POST', body: {} })).status).toBe(500);
      expect((await hub.ask(`/nodes/${node}`, { method: 'DELETE' })).status).toBe(500);
    } finally {
      await hub.sql(FLEET, 'ALTER TABLE elsewhere RENAME TO audit');
    }
    expect((await beat()).commands).toEqual([]);
    expect((await hub.matrix()).items).toHaveProperty(node);
  });
});

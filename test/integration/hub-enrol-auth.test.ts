// Who may: how a node is enrolled, what each kind of token opens, how tokens are replaced and taken away.

import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLOSE_REVOKED } from '../../contract/frames.ts';
import {
  EnrollResponseSchema,
  JoinTokenResponseSchema,
  TokenRotateResponseSchema,
  type EnrollResponse,
} from '../../contract/node-api.ts';
import { ADMIN_TOKEN, FLEET, Hub, reasonOf, SHARD } from '../support/hub.ts';
import { snapshot } from '../support/snapshot.ts';

/** 32 bytes in base64url, at the end of every token. */
const SECRET_LENGTH = 43;

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

async function joinToken(body: object = {}): Promise<string> {
  const made = await hub.ask('/join-tokens', { method: 'POST', body });
  expect(made.status).toBe(201);
  return v.parse(JoinTokenResponseSchema, await made.json()).join_token;
}

async function enrol(node: string, token: string): Promise<Response> {
  return hub.ask('/nodes/enroll', { method: 'POST', token: null, body: { join_token: token, node } });
}

async function rotate(node: string, body: object = {}): Promise<string> {
  const rotated = await hub.ask(`/nodes/${node}/token/rotate`, { method: 'POST', body });
  expect(rotated.status).toBe(200);
  return v.parse(TokenRotateResponseSchema, await rotated.json()).token;
}

describe('enrolment', () => {
  test('gives what a reporter needs to speak for its node', async () => {
    const enrolled = await enrol('new-01', await joinToken());

    expect(enrolled.status).toBe(201);
    const given = v.parse(EnrollResponseSchema, await enrolled.json());
    expect(given).toMatchObject({ node: 'new-01', ttl_seconds: 60, interval_ms: 5000 });
    const heard = await hub.post('new-01', given.token, snapshot({ node: 'new-01' }));
    expect(heard.status).toBe(200);
  });

  test('refuses a join token that nobody made, without saying it again', async () => {
    const refused = await enrol('new-02', 'arwj_made-up-secret');

    expect(refused.status).toBe(403);
    expect(await refused.clone().text()).not.toContain('made-up-secret');
    expect(await reasonOf(refused)).toBe('join-token-invalid');
  });

  test('takes a join token as often as it says, and no more', async () => {
    const once = await joinToken();
    expect((await enrol('once-01', once)).status).toBe(201);
    expect(await reasonOf(await enrol('once-02', once))).toBe('join-token-invalid');

    const twice = await joinToken({ uses: 2 });
    const together = await Promise.all(
      ['twice-01', 'twice-02', 'twice-03'].map((node) => enrol(node, twice)),
    );
    expect(together.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 201, 403]);
  });

  test('does not take an expired join token', async () => {
    const short = await joinToken({ ttl_secs: 1 });
    const hash = createHash('sha256').update(short).digest('hex');
    await hub.sql(FLEET, 'UPDATE join_tokens SET expires_at = ? WHERE hash = ?', Date.now() - 1, hash);

    expect(await reasonOf(await enrol('late-01', short))).toBe('join-token-invalid');
  });

  test('does not replace a node, and does not spend the token on it', async () => {
    await hub.enroll('kept-01');
    const token = await joinToken();

    const refused = await enrol('kept-01', token);
    expect(refused.status).toBe(409);
    expect(await reasonOf(refused)).toBe('node-exists');
    expect((await enrol('kept-02', token)).status).toBe(201);
  });

  test.each([
    ['a node that is no name', { join_token: 'x', node: 'a/b' }, /^node: /],
    ['no join token', { node: 'a' }, /^join_token: /],
    ['no JSON', '{', /not JSON/],
  ])('names what is wrong: %s', async (_what, body, words) => {
    const refused = await hub.ask('/nodes/enroll', { method: 'POST', token: null, body });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ detail: expect.stringMatching(words) });
  });

  test.each([{ uses: 0 }, { uses: 1.5 }, { ttl_secs: 0 }, { use: 2 }, { ttl_secs: 40 * 86_400 }])(
    'no join token is made of %j',
    async (body) => {
      const refused = await hub.ask('/join-tokens', { method: 'POST', body });
      expect(await reasonOf(refused)).toBe('malformed-body');
    },
  );
});

describe('tokens', () => {
  type Route = [method: string, path: string, body?: object];
  const ADMIN_ROUTES: Route[] = [
    ['GET', '/state/runtime_matrix'],
    ['GET', '/state/runtime_supervisor'],
    ['POST', '/join-tokens', {}],
    ['POST', '/orchestrator/runtimes/own%2Fllama.70b/restore', {}],
    ['POST', '/orchestrator/runtimes/own/llama.70b/start', {}],
    ['GET', '/orchestrator/jobs/own:1'],
    ['POST', '/nodes/own/token/rotate', {}],
    ['DELETE', '/nodes/own'],
    ['GET', '/nothing-here'],
  ];
  const NODE_ROUTES: Route[] = [
    ['POST', '/nodes/own/health', snapshot({ node: 'own' })],
    ['POST', '/nodes/own/commands/own:1', { state: 'received' }],
    ['GET', '/nodes/own/uplink'],
  ];
  let own: EnrollResponse;
  let other: EnrollResponse;

  beforeAll(async () => {
    own = await hub.enroll('own');
    other = await hub.enroll('other');
  });

  async function refusal([method, path, body]: Route, token: string | null): Promise<object> {
    const answer = await hub.ask(path, { method, token, ...(body !== undefined && { body }) });
    const text = await answer.clone().text();
    return {
      status: answer.status,
      repeatsToken: token !== null && text.includes(token),
      reason: await reasonOf(answer),
      challenge: answer.headers.get('www-authenticate'),
    };
  }
  const UNAUTHORIZED = {
    status: 401,
    repeatsToken: false,
    reason: 'unauthorized',
    challenge: expect.stringMatching(/^Bearer /),
  };
  const FORBIDDEN = { status: 403, repeatsToken: false, reason: 'forbidden', challenge: null };

  test.each([...ADMIN_ROUTES, ...NODE_ROUTES])('%s %s is closed without a good token', async (...route) => {
    expect(await refusal(route, null)).toEqual(UNAUTHORIZED);
    expect(await refusal(route, 'wrong-token')).toEqual(UNAUTHORIZED);
    expect(await refusal(route, `${ADMIN_TOKEN}x`)).toEqual(UNAUTHORIZED);
    expect(await refusal(route, ADMIN_TOKEN.slice(1))).toEqual(UNAUTHORIZED);
    expect(await refusal(route, `${ADMIN_TOKEN.slice(1)}x`)).toEqual(UNAUTHORIZED);
  });

  test.each(ADMIN_ROUTES)('%s %s is not for nodes', async (...route) => {
    expect(await refusal(route, own.token)).toEqual(FORBIDDEN);
  });

  test.each(NODE_ROUTES)('%s %s is for its own node alone', async (...route) => {
    expect(await refusal(route, other.token)).toEqual(FORBIDDEN);
    expect(await refusal(route, ADMIN_TOKEN)).toEqual(FORBIDDEN);
  });

  test('the right name with a made-up secret passes the worker and is refused by the shard', async () => {
    const forged = other.token.replace('other', 'own');
    const [health, progress] = NODE_ROUTES;
    for (const route of [health, progress]) {
      expect(route && (await refusal(route, forged))).toEqual(UNAUTHORIZED);
    }
    await expect(hub.uplink('own', forged)).rejects.toThrow('401');
  });

  test('a request for the uplink that is no upgrade is told what to do', async () => {
    const answer = await hub.ask('/nodes/own/uplink', { token: own.token });
    expect(answer.status).toBe(426);
    expect(await reasonOf(answer)).toBe('upgrade-required');
  });

  test('an admin may present the token in a header of its own, beside another scheme too', async () => {
    for (const headers of [
      { 'x-arw-admin': ADMIN_TOKEN },
      { 'x-arw-admin': ADMIN_TOKEN, authorization: 'Basic YTpi' },
      { authorization: `bearer ${ADMIN_TOKEN}` },
    ]) {
      const answer = await hub.ask('/state/runtime_matrix', { token: null, headers });
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
    }
  });

  test('only the two paths of the doorstep are public', async () => {
    const health = await hub.ask('/healthz', { token: null });
    expect(await health.text()).toBe('ok');
    const about = await hub.ask('/about', { token: null });
    expect(await about.json()).toMatchObject({ name: 'runtime-matrix', protocol: 'arw.uplink.v1' });
  });

  test('a method that a path does not take is a problem that lists those it takes', async () => {
    const answer = await hub.ask('/state/runtime_matrix', { method: 'PUT', body: {} });
    expect(answer.headers.get('allow')).toBe('GET');
    expect(await reasonOf(answer)).toBe('method-not-allowed');
    expect(await reasonOf(await hub.ask('/nothing-here'))).toBe('not-found');
  });
});

describe('rotation', () => {
  test('the old token works until its overlap ends, the new one from now on', async () => {
    const { token: old } = await hub.enroll('rotated');
    const socket = await hub.uplink('rotated', old);
    const fresh = await rotate('rotated');

    expect((await hub.post('rotated', old, snapshot({ node: 'rotated', seq: 1 }))).status).toBe(200);
    expect((await hub.post('rotated', fresh, snapshot({ node: 'rotated', seq: 2 }))).status).toBe(200);
    await socket.report(snapshot({ node: 'rotated', seq: 3 }));

    // The second replacement leaves nothing of both: the socket was opened with the first token.
    const last = await rotate('rotated', { overlap_secs: 0 });
    expect(await socket.closed).toMatchObject({ code: CLOSE_REVOKED });
    for (const replaced of [old, fresh]) {
      const answer = await hub.post('rotated', replaced, snapshot({ node: 'rotated', seq: 4 }));
      expect(await reasonOf(answer)).toBe('unauthorized');
    }
    expect((await hub.post('rotated', last, snapshot({ node: 'rotated', seq: 4 }))).status).toBe(200);
  });

  test.each([
    ['a hub that is awake', 'awake', false],
    ['a hub that slept since', 'slept', true],
  ])(
    'a socket that outlives the overlap of its token is closed by the alarm of %s',
    async (_what, node, sleeps) => {
      const { token } = await hub.enroll(node);
      const socket = await hub.uplink(node, token);
      await rotate(node, { overlap_secs: 1 });
      if (sleeps) await hub.evict(SHARD);

      expect(await socket.closed).toMatchObject({ code: CLOSE_REVOKED });
      await expect(hub.uplink(node, token)).rejects.toThrow('401');
    },
  );

  test('of a node that is not enrolled is 404', async () => {
    const answer = await hub.ask('/nodes/nobody/token/rotate', { method: 'POST', body: {} });
    expect(answer.status).toBe(404);
    expect(await reasonOf(answer)).toBe('unknown-node');
  });
});

describe('removal', () => {
  test('ends the token, the socket and the snapshot; the name is free again', async () => {
    const { token } = await hub.enroll('gone');
    const socket = await hub.uplink('gone', token);
    await socket.report(snapshot({ node: 'gone' }));
    await hub.matrixWhere(({ items }) => 'gone' in items);

    expect((await hub.ask('/nodes/gone', { method: 'DELETE' })).status).toBe(204);

    expect(await socket.closed).toMatchObject({ code: CLOSE_REVOKED });
    await hub.matrixWhere(({ items }) => !('gone' in items));
    expect(await hub.sql(SHARD, 'SELECT * FROM snapshots WHERE node = ?', 'gone')).toEqual([]);
    const late = await hub.post('gone', token, snapshot({ node: 'gone', seq: 2 }));
    expect(await reasonOf(late)).toBe('unauthorized');
    expect(await reasonOf(await hub.ask('/nodes/gone', { method: 'DELETE' }))).toBe('unknown-node');

    const again = await hub.enroll('gone');
    expect(await reasonOf(await hub.post('gone', token, snapshot({ node: 'gone' })))).toBe('unauthorized');
    expect((await hub.post('gone', again.token, snapshot({ node: 'gone' }))).status).toBe(200);
  });

  test('cancels what still waited for the node', async () => {
    const { token } = await hub.enroll('busy');
    await hub.post('busy', token, snapshot({ node: 'busy' }));
    const accepted = await hub.ask('/orchestrator/runtimes/busy%2Fllama.70b/restore', { method: 'POST' });
    const { job_id: jobId } = v.parse(v.object({ job_id: v.string() }), await accepted.json());

    await hub.ask('/nodes/busy', { method: 'DELETE' });
    const job = await hub.ask(`/orchestrator/jobs/${jobId}`);
    expect(await job.json()).toMatchObject({ state: 'cancelled', error: { reason: 'node-removed' } });
  });
});

test('what is kept of a secret is its hash', async () => {
  const secret = await joinToken({ uses: 5 });
  const enrolled = await enrol('hashed', secret);
  const { token } = v.parse(EnrollResponseSchema, await enrolled.json());
  const made = await hub.sql(FLEET, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  const tables = made.map(({ name }) => String(name)).filter((name) => !name.startsWith('_cf_'));
  expect(tables).toEqual(expect.arrayContaining(['nodes', 'node_tokens', 'join_tokens']));

  const rows = await Promise.all(tables.map((table) => hub.sql(FLEET, `SELECT * FROM ${table}`)));
  const kept = JSON.stringify(rows);
  for (const given of [secret, token]) {
    expect(kept).not.toContain(given);
    expect(kept).not.toContain(given.slice(-SECRET_LENGTH));
    expect(kept).toContain(createHash('sha256').update(given).digest('hex'));
  }
});

// The description of the API against the hub itself: what it really answers, to each request that is described, is what
// the documents say, with no member more.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { EVENT_PAYLOADS } from '../../contract/events.ts';
import { COMMAND_ARGS, COMMAND_KINDS, type CommandKind } from '../../contract/command.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { openApi, problemReasons } from '../../worker/openapi/document.ts';
import { asyncApi } from '../../worker/openapi/events.ts';
import { ROUTES, type Route } from '../../worker/openapi/routes.ts';
import { Described } from '../support/described.ts';
import { SocketReader, SseReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Hub, SHARD, type Sent } from '../support/hub.ts';
import { actionOver, RelayNode } from '../support/relay-node.ts';
import { emptyBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import { UplinkClient } from '../support/uplink-client.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const TTL_SECONDS = 60;
const HOUR_MS = 3_600_000;

const described = new Described();
let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start({
    vars: { ARW_RUNTIME_MATRIX_TTL_SEC: String(TTL_SECONDS), ARW_ALERT_LOCAL_TARGETS: '1' },
  });
});
afterAll(() => hub.stop());

function ask(path: string, sent: Sent = {}): Promise<Response> {
  return described.ask(hub, path, sent);
}

function post(path: string, body: unknown = {}, sent: Sent = {}): Promise<Response> {
  return ask(path, { method: 'POST', body, ...sent });
}

async function statusOf(asked: Promise<Response>): Promise<number> {
  return (await asked).status;
}

const named = (node: string, runtime = 'llama.70b'): string => encodeURIComponent(`${node}/${runtime}`);

/** A node of its own that reports by POST. */
async function reporting(
  node: string,
): Promise<{ token: string; report: (seq: number) => Promise<Response> }> {
  const { token } = await hub.enroll(node);
  const report = (seq: number): Promise<Response> =>
    post(`/nodes/${node}/health`, snapshot({ node, seq }), { token });
  expect((await report(1)).status).toBe(200);
  return { token, report };
}

test('who may ask: without a token nobody but for what is public', async () => {
  for (const { method, path, by } of ROUTES) {
    if (by === 'anybody' || by === 'join-token') continue;
    const asked = path.replaceAll(/:(\w+)/g, '$1');
    expect(await statusOf(ask(asked, { method, token: null }))).toBe(401);
    expect(await statusOf(ask(asked, { method, token: 'arwn_other_secret' }))).toBeOneOf([401, 403]);
  }
  expect(await statusOf(ask('/healthz', { token: null }))).toBe(200);
  expect(await statusOf(ask('/about', { token: null }))).toBe(200);
});

test('a browser signs in and out', async () => {
  const from = { 'sec-fetch-site': 'same-origin' };
  const body = { token: ADMIN_TOKEN };
  expect(await statusOf(post('/session', body, { token: null, headers: from }))).toBe(200);
  expect(await statusOf(post('/session', { other: 1 }, { token: null, headers: from }))).toBe(400);
  expect(await statusOf(ask('/session'))).toBe(200);
  expect(await statusOf(ask('/session', { method: 'DELETE', headers: from }))).toBe(204);
  const foreign = { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' };
  expect(await statusOf(ask('/session', { method: 'DELETE', headers: foreign }))).toBe(403);
});

test('the description itself is public, and what the hub serves is what was built', async () => {
  for (const [path, document] of [
    ['/openapi.json', openApi(packageJson.version)],
    ['/asyncapi.json', asyncApi(packageJson.version)],
  ] as const) {
    expect(await (await ask(path, { token: null })).json()).toEqual(JSON.parse(JSON.stringify(document)));
  }
  const page = await ask('/docs', { token: null });
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const files = [...(await page.text()).matchAll(/(?:src|href)="(docs\.\w+)"/g)].map(([, file = '']) => file);
  expect(files).toEqual(['docs.css', 'docs.js']);
  for (const file of files) expect((await hub.ask(`/${file}`, { token: null })).status).toBe(200);
  expect((await hub.ask('/docs', { method: 'POST', token: null })).status).toBe(405);
});

test('enrolment, and what an admin does to a node', async () => {
  const made = await post('/join-tokens', { uses: 1, ttl_secs: 60 });
  expect(made.status).toBe(201);
  const { join_token } = Object(await made.json());
  const body = { join_token, node: 'new-01' };
  expect(await statusOf(post('/nodes/enroll', body, { token: null }))).toBe(201);
  expect(await statusOf(post('/nodes/enroll', body, { token: null }))).toBe(403);
  expect(await statusOf(post('/nodes/enroll', { node: 'new-01' }, { token: null }))).toBe(400);
  expect(await statusOf(post('/join-tokens', { uses: 0 }))).toBe(400);
  expect(await statusOf(post('/nodes/new-01/token/rotate', { overlap_secs: 1 }))).toBe(200);
  expect(await statusOf(post('/nodes/other/token/rotate'))).toBe(404);
  expect(await statusOf(ask('/nodes/new-01', { method: 'DELETE' }))).toBe(204);
  expect(await statusOf(ask('/nodes/new-01', { method: 'DELETE' }))).toBe(404);
  for (const query of ['', '?limit=1', '?action=node.remove&forced=false']) await ask(`/audit${query}`);
  expect(await statusOf(ask('/audit?limit=0'))).toBe(400);
});

test('a node: snapshots, commands and the uplink', async () => {
  const { token, report } = await reporting('post-01');
  expect(await statusOf(post('/nodes/post-01/health', { target: 'post-01' }, { token }))).toBe(400);
  const other = snapshot({ node: 'other' });
  expect(await statusOf(post('/nodes/post-01/health', other, { token }))).toBe(409);
  const accepted = await post(`/orchestrator/runtimes/${named('post-01')}/start`);
  const { job_id } = Object(await accepted.json());
  expect((await report(2)).status).toBe(200);
  const progress = `/nodes/post-01/commands/${encodeURIComponent(job_id)}`;
  for (const body of [{ state: 'received' }, { state: 'completed', result: { state: 'ready' } }]) {
    expect(await statusOf(post(progress, body, { token }))).toBe(204);
  }
  expect(await statusOf(post('/nodes/post-01/commands/post-01:none', { state: 'received' }, { token }))).toBe(
    404,
  );
  expect(await statusOf(ask('/nodes/post-01/uplink', { token }))).toBe(426);
  const client = await UplinkClient.open(hub.url, 'post-01', token);
  described.upgraded('/nodes/post-01/uplink');
  await client.close();
});

test('the read models', async () => {
  const spoken = runtimeRecord({ id: 'spoken', model: 'm', state: 'error' });
  const { token } = await reporting('read-01');
  const full = snapshot({ node: 'read-01', seq: 2, runtimes: [runtimeRecord(), spoken] });
  expect(await statusOf(post('/nodes/read-01/health', full, { token }))).toBe(200);
  for (const model of ['runtime_matrix', 'runtime_supervisor', 'runtime_grid', 'nodes']) {
    const answer = await ask(`/state/${model}`);
    expect(answer.status).toBe(200);
    const headers = { 'if-none-match': answer.headers.get('etag') ?? '' };
    expect(await statusOf(ask(`/state/${model}`, { headers }))).toBe(304);
    expect(await statusOf(ask(`/state/${model}?unknown=1`))).toBe(400);
  }
  for (const query of ['?view=summary', '?limit=1', '?state=error&accelerator=cpu&stale=false']) {
    expect(await statusOf(ask(`/state/runtime_matrix${query}`))).toBe(200);
  }
  expect(await statusOf(ask('/state/runtime_grid?hardware=CPU&model=m'))).toBe(200);
  expect(await statusOf(ask('/state/jobs?limit=1'))).toBe(200);
  expect(await statusOf(ask('/state/jobs?limit=many'))).toBe(400);
  expect(await statusOf(ask('/metrics'))).toBe(200);
  expect(await statusOf(ask('/metrics?node=a'))).toBe(400);
});

const ARGS: Record<CommandKind, object> = {
  restore: { restart: true, force: true },
  start: {},
  shutdown: {},
  drain: { timeout_seconds: 1 },
  undrain: {},
  load: { model: 'm' },
  unload: { model: 'm' },
  switch: { preset: 'p' },
  budget: { max_restarts: 5 },
};

test('acts, and their jobs', async () => {
  await reporting('act-01');
  let last = '';
  for (const kind of COMMAND_KINDS) {
    const headers = { 'idempotency-key': `key-${kind}` };
    const path = `/orchestrator/runtimes/${named('act-01')}/${kind}`;
    expect(COMMAND_ARGS[kind]).toBeDefined();
    for (let time = 0; time < 2; time += 1) {
      const answer = await post(path, ARGS[kind], { headers });
      expect(answer.status).toBe(202);
      last = Object(await answer.json()).job_id;
    }
    expect(await statusOf(post(path, { other: 1 }))).toBe(400);
    expect(await statusOf(post(`/orchestrator/runtimes/act-01/none/${kind}`, ARGS[kind]))).toBe(404);
  }
  const job = `/orchestrator/jobs/${encodeURIComponent(last)}`;
  expect(await statusOf(ask(job))).toBe(200);
  expect(await statusOf(ask(job, { method: 'DELETE' }))).toBe(200);
  expect(await statusOf(ask(job, { method: 'DELETE' }))).toBe(409);
  expect(await statusOf(ask('/orchestrator/jobs/act-01:none'))).toBe(404);
  expect(await statusOf(ask('/orchestrator/jobs/act-01:none', { method: 'DELETE' }))).toBe(404);
  const { jobs } = Object(await (await ask('/state/jobs?node=act-01')).json());
  expect(jobs).toHaveLength(COMMAND_KINDS.length);
});

test('a command that was sent: its node is asked first, and a budget that is spent refuses', async () => {
  const { token } = await hub.enroll('act-02');
  const client = await hub.uplink('act-02', token);
  onTestFinished(() => client.close());
  const spent = runtimeRecord({
    id: 'spent',
    budget: emptyBudget(new Date(Date.now() + HOUR_MS).toISOString()),
  });
  await client.report(snapshot({ node: 'act-02', runtimes: [runtimeRecord(), spent] }));
  const accepted = await post('/orchestrator/runtimes/act-02/llama.70b/shutdown');
  const { job_id } = Object(await accepted.json());
  await client.next('command');
  const job = `/orchestrator/jobs/${encodeURIComponent(job_id)}`;
  expect(await statusOf(ask(job, { method: 'DELETE' }))).toBe(202);
  for (const [kind, body] of [
    ['restore', {}],
    // oxlint-disable-next-line unicorn/no-thenable -- a word of the wire: a text, which nobody can call.
    ['drain', { then: 'restart' }],
  ] as const) {
    expect(await statusOf(post(`/orchestrator/runtimes/${named('act-02', 'spent')}/${kind}`, body))).toBe(
      429,
    );
  }
  await ask(job);
});

test('logs: as text, as events, and the reasons why not', async () => {
  const { token } = await hub.enroll('log-01');
  const client = await hub.uplink('log-01', token);
  onTestFinished(() => client.close());
  await client.report(snapshot({ node: 'log-01' }));
  const path = `/orchestrator/runtimes/${named('log-01')}/logs`;
  for (const query of ['?tail=2', '?tail=0&follow=1']) {
    const asked = ask(`${path}${query}`);
    const { id } = await client.next('command');
    client.send({ type: 'log.chunk', id, seq: 0, lines: ['one'] });
    if (query === '?tail=2') client.send({ type: 'command.done', id, ok: true, result: {} });
    const answer = await asked;
    expect(answer.status).toBe(200);
    await answer.body?.cancel();
  }
  expect(await statusOf(ask(`${path}?tail=-1`))).toBe(400);
  expect(await statusOf(ask(`/orchestrator/runtimes/${named('log-01', 'none')}/logs`))).toBe(404);
  expect(await statusOf(ask(`/orchestrator/runtimes/${named('post-01')}/logs`))).toBeOneOf([409, 503]);
});

test('actions: kept, streamed, cancelled, and refused', async () => {
  const at = await RelayNode.linked(hub, 'relay-01', { runtimes: [runtimeRecord({ model: 'chatty' })] });
  const body = { kind: 'chat.respond', input: { prompt: 'Hi', model: 'chatty', project: 'p', agent: 'a' } };
  const accepted = await post('/actions', body);
  expect(accepted.status).toBe(202);
  const { id } = Object(await accepted.json());
  const action = `/actions/${encodeURIComponent(id)}`;
  expect(await statusOf(ask(action))).toBe(200);
  at.reply(await at.asked(), 'Hello.');
  await actionOver(hub, id);
  expect(await statusOf(ask(action))).toBe(200);
  expect(await statusOf(ask(action, { method: 'DELETE' }))).toBe(200);

  const streaming = post('/actions', body, { headers: { accept: 'text/event-stream' } });
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  const path = `/nodes/relay-01/relays/${open.stream}`;
  const uploading = post(path, { part: 'of the answer' }, { token: at.token });
  await at.client.next('relay.upload');
  at.client.send({ type: 'relay.moved', stream: open.stream });
  expect(await statusOf(uploading)).toBe(204);
  at.chunk(open, 'data: [DONE]\n\n');
  at.end(open);
  expect(await statusOf(post('/nodes/relay-01/relays/0', {}, { token: at.token }))).toBe(404);
  expect((await streaming).status).toBe(200);

  const cancelled = Object(await (await post('/actions', body)).json());
  expect(await statusOf(ask(`/actions/${encodeURIComponent(cancelled.id)}`, { method: 'DELETE' }))).toBe(200);
  expect(await statusOf(ask('/actions/relay-01:none'))).toBe(404);
  expect(await statusOf(ask('/actions/relay-01:none', { method: 'DELETE' }))).toBe(404);
  expect(await statusOf(post('/actions', { kind: 'chat.respond', input: {} }))).toBe(400);
  const unknown = { kind: 'chat.respond', input: { prompt: 'Hi', model: 'none' } };
  expect(await statusOf(post('/actions', unknown))).toBe(404);
  const offline = { kind: 'chat.respond', input: { prompt: 'Hi', node: 'post-01' } };
  expect(await statusOf(post('/actions', offline))).toBeOneOf([409, 503]);
});

test('alerts: set, read, tried, removed, and refused', async () => {
  const receiver = await WebhookReceiver.listening();
  const put = (body: object): Promise<Response> => ask('/alerts/ops', { method: 'PUT', body });
  expect(await statusOf(put({ url: 'nonsense' }))).toBe(400);
  const rule = { url: receiver.url, grace_seconds: 0, nodes: ['alert-01'], runtimes: ['llama.70b'] };
  expect(await statusOf(put(rule))).toBe(201);
  expect(await statusOf(put(rule))).toBe(200);
  const { token } = await reporting('alert-01');
  const failed = snapshot({ node: 'alert-01', seq: 2, runtimes: [runtimeRecord({ state: 'error' })] });
  receiver.orders.push(500);
  await post('/nodes/alert-01/health', failed, { token });
  await eventually('the call', () => receiver.received.length === 1);
  expect(await statusOf(ask('/alerts/ops'))).toBe(200);
  expect(await statusOf(ask('/alerts'))).toBe(200);
  // Another one: a delivery that failed comes again, and would take the next order.
  const tried = await WebhookReceiver.listening();
  const other = { ...rule, url: tried.url, nodes: ['none'] };
  expect(await statusOf(ask('/alerts/tried', { method: 'PUT', body: other }))).toBe(201);
  expect(await statusOf(post('/alerts/tried/test'))).toBe(200);
  tried.orders.push(404);
  expect(await statusOf(post('/alerts/tried/test'))).toBe(502);
  expect(await statusOf(ask('/alerts/tried', { method: 'DELETE' }))).toBe(204);
  expect(await statusOf(ask('/alerts/ops', { method: 'DELETE' }))).toBe(204);
  for (const method of ['GET', 'DELETE']) expect(await statusOf(ask('/alerts/ops', { method }))).toBe(404);
  expect(await statusOf(post('/alerts/ops/test'))).toBe(404);
});

/** `stream.end` takes a reader that is slow for 2 MiB: hub-event-readers.test.ts. */
const ELSEWHERE = new Set(['stream.end']);

test('events: each kind that this hub makes, as its payload is described', async () => {
  const reader = await SseReader.open(hub.url, { query: '?after=1' });
  await (await ask('/events?replay=1')).body?.cancel();
  expect(await statusOf(ask('/events?replay=-1'))).toBe(400);
  (await SocketReader.open(hub.url)).socket.terminate();
  described.upgraded('/events');

  const at = await RelayNode.linked(hub, 'event-01', { runtimes: [runtimeRecord({ model: 'told' })] });
  const budget = emptyBudget(new Date(Date.now() + HOUR_MS).toISOString());
  const failed = runtimeRecord({ model: 'told', state: 'error', budget });
  await at.client.report(snapshot({ node: 'event-01', seq: 2, runtimes: [failed] }));
  await at.client.report(
    snapshot({ node: 'event-01', seq: 3, runtimes: [runtimeRecord({ model: 'told' })] }),
  );
  const restored = await post(`/orchestrator/runtimes/${named('event-01')}/restore`);
  expect(restored.status).toBe(202);
  const { id } = await at.client.next('command');
  at.client.send({ type: 'command.received', id });
  at.client.send({ type: 'command.done', id, ok: false, error: { reason: 'failed', message: 'It failed' } });
  const body = { kind: 'chat.respond', input: { prompt: 'Hi', model: 'told' } };
  await post('/actions', body);
  at.reply(await at.asked(), 'Hello.');
  const { id: second } = Object(await (await post('/actions', body)).json());
  await at.asked();
  await ask(`/actions/${encodeURIComponent(second)}`, { method: 'DELETE' });

  await reporting('silent-01');
  const heard = Date.now() - 2 * TTL_SECONDS * 1000;
  await hub.sql(SHARD, 'UPDATE snapshots SET received_at = ? WHERE node = ?', heard, 'silent-01');
  await hub.evict(SHARD);
  // Any change of the registry lets the object look at its deadlines.
  await hub.enroll('silent-02');
  await reader.next('node.stale', ({ node }) => node === 'silent-01');
  await ask('/nodes/silent-01', { method: 'DELETE' });

  const expected = Object.keys(EVENT_PAYLOADS).filter((kind) => !ELSEWHERE.has(kind));
  await eventually('each kind was told', () => expected.every((kind) => reader.kinds.includes(kind))).catch(
    (error: unknown) => {
      const missing = expected.filter((kind) => !reader.kinds.includes(kind));
      throw new Error(`never told: ${missing.join(', ')}`, { cause: error });
    },
  );
  for (const event of reader.events) described.heard(event);
  expect([...described.seenKinds].toSorted()).toEqual(expected.toSorted());
});

function statusesSeen({ id }: Route): number[] {
  return [...described.seen]
    .filter((seen) => seen.startsWith(`${id} `))
    .map((seen) => Number(seen.split(' ')[1]));
}

test('all of it was asked: each operation with a success and with a problem', () => {
  const lacking = ROUTES.filter((route) => {
    const seen = statusesSeen(route);
    const canFail = problemReasons(route).some((reason) => reason !== 'internal');
    return !seen.some((status) => status < 300) || (canFail && !seen.some((status) => status >= 400));
  });
  expect(lacking.map(({ id }) => id)).toEqual([]);
});

test('each answer that is described and no problem was seen', () => {
  const answers = ROUTES.flatMap(({ id, answers: told }) =>
    Object.keys(told).map((status) => `${id} ${status}`),
  );
  expect(answers.filter((answer) => !described.seen.has(answer))).toEqual([]);
});

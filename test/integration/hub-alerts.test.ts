// Alerts as an operator sets them and a receiver gets them: from a node's word to a signed message, over evictions, slow
// receivers and refusals; and what a hub never tells and never calls.

import { createHmac, randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  AlertMessageSchema,
  AlertSchema,
  AlertsSchema,
  type Alert,
  type AlertItem,
} from '../../contract/alerts.ts';
import { AuditSchema } from '../../contract/audit.ts';
import { ProblemSchema } from '../../contract/problem.ts';
import type { RestartBudget } from '../../contract/runtime-record.ts';
import type { RuntimeState } from '../../contract/words.ts';
import { eventually } from '../support/eventually.ts';
import { FLEET, Hub, reasonOf } from '../support/hub.ts';
import { emptyBudget, fullBudget, runtimeRecord, snapshot } from '../support/snapshot.ts';
import { WebhookReceiver, type Received } from '../support/webhook-receiver.ts';

const ALERT = '/alerts/ops';

let hub: Hub;
let node: string;
let token: string;
let receiver: WebhookReceiver;
let count = 0;
let seq = 0;
beforeAll(async () => {
  hub = await Hub.start({ vars: { ARW_ALERT_LOCAL_TARGETS: '1' } });
});
afterAll(() => hub.stop());
beforeEach(async () => {
  count += 1;
  node = `gpu-${count}`;
  ({ token } = await hub.enroll(node));
  receiver = await WebhookReceiver.listening();
  await (await hub.ask(ALERT, { method: 'DELETE' })).body?.cancel();
});

/** The alert of this test's node; told at once. */
async function set(body: object = {}): Promise<Alert> {
  const asked = { url: receiver.url, grace_seconds: 0, nodes: [node], ...body };
  const answer = await hub.ask(ALERT, { method: 'PUT', body: asked });
  expect(answer.status).toBeLessThan(300);
  return v.parse(AlertSchema, await answer.json());
}

async function read(): Promise<Alert> {
  return v.parse(AlertSchema, await (await hub.ask(ALERT)).json());
}

async function say(state: RuntimeState, budget: RestartBudget = fullBudget()): Promise<void> {
  seq += 1;
  const told = snapshot({ node, seq, runtimes: [runtimeRecord({ state, budget })] });
  const answer = await hub.post(node, token, told);
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
}

const itemsOf = ({ body }: Received): AlertItem[] =>
  v.parse(v.pipe(v.string(), v.parseJson(), AlertMessageSchema), body).items;

async function itemsWhere(isWanted: (items: AlertItem[]) => boolean): Promise<AlertItem[]> {
  return eventually('the messages', () => {
    const items = receiver.received.flatMap(itemsOf);
    return isWanted(items) && items;
  });
}

test('a runtime that fails and recovers is two signed messages under one key', async () => {
  const key = randomBytes(32);
  await set({ secret: `whsec_${key.toString('base64')}` });
  await say('ready');
  await say('error');
  await itemsWhere((items) => items.length === 1);
  expect((await read()).open).toMatchObject([{ node, runtime: 'llama.70b', status: 'open' }]);
  await say('ready');
  const [opened, resolved] = await itemsWhere((items) => items.length === 2);
  expect(opened).toMatchObject({
    status: 'open',
    kind: 'runtime.state',
    severity: 'error',
    summary: 'Error',
  });
  expect(resolved).toMatchObject({ status: 'resolved', key: opened?.key });

  for (const { headers, body } of receiver.received) {
    const id = headers['webhook-id'];
    const time = headers['webhook-timestamp'];
    const signature = createHmac('sha256', key)
      .update(`${String(id)}.${String(time)}.${body}`)
      .digest('base64');
    expect(headers).toMatchObject({
      'webhook-signature': `v1,${signature}`,
      'content-type': 'application/json',
    });
  }
  expect(
    await eventually('the count', async () => {
      const { open, delivery } = await read();
      return delivery.delivered === 2 && { open, delivery };
    }),
  ).toMatchObject({ open: [], delivery: { queued: 0, dropped: 0 } });
  const lines = (await (await hub.ask('/metrics')).text()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'arw_alert_open{alert="ops"} 0',
      'arw_alert_messages_queued{alert="ops"} 0',
      'arw_alert_items_total{alert="ops",result="delivered"} 2',
      'arw_alert_items_total{alert="ops",result="dropped"} 0',
    ]),
  );
});

test('an exhausted budget is told, and that one is free again', async () => {
  await set({ kinds: ['budget.exhausted'] });
  await say('ready');
  await say('error', emptyBudget('2026-11-22T12:44:40.000Z'));
  await say('ready');
  const items = await itemsWhere((all) => all.length === 2);
  expect(items.map(({ status, kind }) => `${status} ${kind}`)).toEqual([
    'open budget.exhausted',
    'resolved budget.exhausted',
  ]);
  expect(items[0]?.summary).toBe(
    'No restart left (3 in 600 s are spent, the next one is free at 2026-11-22T12:44:40.000Z)',
  );
});

test('a node that is removed ends what was told of it', async () => {
  await set();
  await say('error');
  await itemsWhere((items) => items.length === 1);
  await hub.ask(`/nodes/${node}`, { method: 'DELETE' });
  const items = await itemsWhere((all) => all.length === 2);
  expect(items[1]).toMatchObject({ status: 'resolved', key: items[0]?.key });
});

test('the grace goes on while Fleet has no memory', async () => {
  await set({ grace_seconds: 3600 });
  await say('error');
  await eventually('the trouble', async () => {
    const rows = await hub.sql(FLEET, 'SELECT body FROM alert_troubles WHERE node = ?', node);
    return rows.length === 1;
  });
  await hub.evict(FLEET);
  expect((await read()).open).toEqual([]);
  expect(receiver.received).toEqual([]);
  // As if an hour had passed meanwhile.
  for (const member of ['since', 'errorSince']) {
    const earlier = `json_set(body, '$.${member}', json_extract(body, '$.${member}') - 3600000)`;
    await hub.sql(FLEET, `UPDATE alert_troubles SET body = ${earlier} WHERE node = ?`, node);
  }
  await hub.evict(FLEET);
  // A life of an hour would have been armed all along; this one looks when it is asked to change something.
  await set({ grace_seconds: 3600 });
  expect(await itemsWhere((items) => items.length === 1)).toMatchObject([{ status: 'open', node }]);
});

test('a receiver that hangs holds nothing up; after an eviction the message comes again under its id', async () => {
  receiver.orders.push('hang');
  await set();
  await say('error');
  await eventually('the call', () => receiver.received.length === 1);
  // It has not answered, and Fleet does whatever it is asked.
  expect((await hub.ask('/join-tokens', { method: 'POST', body: {} })).status).toBe(201);
  await say('ready');
  await hub.toldFleet();
  expect(await read()).toMatchObject({ open: [], delivery: { queued: 2, delivered: 0 } });

  await hub.evict(FLEET);
  // What was under way in the life before is due when its time is over.
  await hub.sql(FLEET, 'UPDATE alert_deliveries SET due_at = 0');
  await hub.evict(FLEET);
  await set();
  await eventually('both messages', () => receiver.received.length === 3);
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
  expect(
    receiver.received
      .slice(1)
      .flatMap(itemsOf)
      .map(({ status }) => status),
  ).toEqual(['open', 'resolved']);
  receiver.release();
});

test('a failure is told, and the message is sent again', async () => {
  receiver.orders.push(503);
  await set();
  await say('error');
  const failed = await eventually('the failure', async () => {
    const { delivery } = await read();
    return delivery.last_error && delivery;
  });
  expect(failed).toMatchObject({ queued: 1, dropped: 0, next_attempt_at: expect.any(String) });
  expect(failed.last_error?.message).toBe(`${new URL(receiver.url).origin} answered 503 (no_such_channel)`);
  await eventually('the second attempt', () => receiver.received.length === 2, 20_000);
  expect(receiver.received[1]?.headers['webhook-id']).toBe(receiver.received[0]?.headers['webhook-id']);
});

test.each([
  ['slack', { text: expect.stringContaining('PROBLEM'), mrkdwn: false }],
  ['discord', { content: expect.stringContaining('PROBLEM'), allowed_mentions: { parse: [] } }],
])('%s gets it as it wants it', async (shape, wanted) => {
  await set({ shape });
  await say('error');
  await eventually('the message', () => receiver.received.length === 1);
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual(wanted);
});

test('a test is sent at once, and says what the receiver said', async () => {
  await set({ enabled: false });
  const tested = await hub.ask(`${ALERT}/test`, { method: 'POST' });
  expect([tested.status, await tested.json()]).toEqual([
    200,
    { ok: true, status: 200, latency_ms: expect.any(Number) },
  ]);
  expect(JSON.parse(receiver.received[0]?.body ?? '')).toMatchObject({
    type: 'alert.test',
    alert: 'ops',
    items: [],
  });

  receiver.orders.push(404);
  const refused = await hub.ask(`${ALERT}/test`, { method: 'POST' });
  expect(refused.status).toBe(502);
  const { origin } = new URL(receiver.url);
  expect(v.parse(ProblemSchema, await refused.json()).detail).toBe(
    `${origin} answered 404 (no_such_channel)`,
  );
});

test('secrets go in and never come out, and whoever set them is known', async () => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const alert = await set({ secret });
  expect(alert).toMatchObject({ target: new URL(receiver.url).origin, signed: true });
  // Whatever is left out is the default again, but for what cannot be read back.
  const again = await hub.ask(ALERT, { method: 'PUT', body: { enabled: false } });
  expect([again.status, await again.json()]).toMatchObject([
    200,
    { signed: true, enabled: false, grace_seconds: 60 },
  ]);
  const unsigned = await hub.ask(ALERT, { method: 'PUT', body: { secret: null } });
  expect(await unsigned.json()).toMatchObject({ signed: false });

  const all = await (await hub.ask('/alerts')).text();
  const audit = await (await hub.ask('/audit?limit=10')).text();
  for (const told of [JSON.stringify(alert), all, audit, hub.logs()]) {
    expect(told).not.toContain('a-secret-path');
    expect(told).not.toContain(secret.slice(0, 20));
  }
  expect(v.parse(AlertsSchema, JSON.parse(all)).alerts).toMatchObject([{ id: 'ops' }]);
  expect((await hub.ask(ALERT, { method: 'DELETE' })).status).toBe(204);
  const { entries } = v.parse(AuditSchema, await (await hub.ask('/audit?limit=5')).json());
  expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['alert.set', 'alert.remove']));
});

test('what cannot be used is refused in words', async () => {
  const put = (id: string, body: object): Promise<Response> =>
    hub.ask(`/alerts/${id}`, { method: 'PUT', body });
  expect(await reasonOf(await hub.ask('/alerts/none'))).toBe('unknown-alert');
  expect(await reasonOf(await hub.ask('/alerts/none', { method: 'DELETE' }))).toBe('unknown-alert');
  expect(await reasonOf(await hub.ask('/alerts/none/test', { method: 'POST' }))).toBe('unknown-alert');
  expect(await reasonOf(await put('new', {}))).toBe('alert-unusable');
  expect(await reasonOf(await put('No!', { url: receiver.url }))).toBe('alert-unusable');
  expect(await reasonOf(await put('new', { url: 'nonsense' }))).toBe('alert-unusable');
  expect(await reasonOf(await put('new', { url: receiver.url, secret: 'short' }))).toBe('malformed-body');
  expect(await reasonOf(await put('new', { url: receiver.url, wrong: 1 }))).toBe('malformed-body');
  expect(await reasonOf(await hub.ask('/alerts', { token: null }))).toBe('unauthorized');
  expect(await reasonOf(await hub.ask('/alerts', { token }))).toBe('forbidden');
});

test('without the setting a hub calls nothing in its own network', async () => {
  await hub.redeploy({});
  const answer = await hub.ask('/alerts/new', { method: 'PUT', body: { url: 'https://127.0.0.1:1/x' } });
  expect(answer.status).toBe(400);
  expect(v.parse(ProblemSchema, await answer.json()).detail).toBe(
    'The "url" of the receiver must be a public host: the hub calls nothing in its own network',
  );
});

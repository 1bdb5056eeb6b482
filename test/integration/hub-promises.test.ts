// What the hub promises beyond single answers: soon, cheap, discreet, and with an id for who looks into the log.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ADMIN_TOKEN, Hub, SHARD } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';

let hub: Hub;
let node: string;
let token: string;
let count = 0;
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());
beforeEach(async () => {
  count += 1;
  node = `gpu-${count}`;
  ({ token } = await hub.enroll(node));
});

test('heartbeats write no row, and a state that changes does', async () => {
  const uplink = await hub.uplink(node, token);
  const written = async (): Promise<unknown> =>
    (await hub.sql(SHARD, 'SELECT body FROM snapshots WHERE node = ?', node))[0]?.['body'];
  await uplink.report(snapshot({ node, seq: 1 }));
  const first = await written();
  for (let seq = 2; seq < 50; seq += 1) await uplink.report(snapshot({ node, seq }));
  expect(await written()).toBe(first);
  await uplink.report(snapshot({ node, seq: 50, runtimes: [runtimeRecord({ state: 'error' })] }));
  expect(await written()).toContain('"seq":50');
});

// How soon is measured by the bench change-latency: here nothing but the machine would be.
test('a state change is readable although somebody reads all the time', async () => {
  const uplink = await hub.uplink(node, token);
  await uplink.report(snapshot({ node, seq: 1 }));
  for (let seq = 2; seq < 8; seq += 1) {
    const state = seq % 2 === 0 ? 'error' : 'ready';
    await hub.matrix();
    uplink.send({ type: 'health', snapshot: snapshot({ node, seq, runtimes: [runtimeRecord({ state })] }) });
    const { items } = await hub.matrixWhere((matrix) => matrix.items[node]?.seq === seq);
    expect(items[node]?.runtimes?.[0]?.status.state).toBe(state);
  }
});

test('an uplink that its node closes is answered: a peer without an answer would call it broken', async () => {
  const uplink = await hub.uplink(node, token);
  await uplink.close();
  // The code of a connection that ended without an answer.
  expect((await uplink.closed).code).not.toBe(1006);
});

test('no answer and no log tells a token', async () => {
  const answers = await Promise.all([
    hub.post(node, `${token}x`, snapshot({ node })),
    hub.post(node, token, { bad: token }),
    hub.ask('/state/runtime_matrix', { token: `${ADMIN_TOKEN}x` }),
  ]);
  const texts = await Promise.all(answers.map((answer) => answer.text()));
  expect(`${texts.join('\n')}\n${hub.logs()}`).not.toMatch(new RegExp(`${token}|${ADMIN_TOKEN}`));
});

test('every answer has an id, the given one where it is harmless', async () => {
  const given = await hub.ask('/healthz', { headers: { 'x-request-id': 'abc-1' } });
  expect(given.headers.get('x-request-id')).toBe('abc-1');
  const made = await hub.ask('/nowhere', { token: null, headers: { 'x-request-id': 'a b\tc' } });
  expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('a node may be called like a path', async () => {
  const { token: own } = await hub.enroll('enroll');
  expect((await hub.post('enroll', own, snapshot({ node: 'enroll' }))).status).toBe(200);
  expect((await hub.ask('/nodes/enroll', { method: 'DELETE' })).status).toBe(204);
});

test('the words of a silent node count on although nothing is said', async () => {
  await hub.post(node, token, snapshot({ node }));
  await hub.sql(SHARD, 'UPDATE snapshots SET received_at = received_at - 100000 WHERE node = ?', node);
  await hub.evict(SHARD);
  const first = await hub.matrixWhere(({ items }) => items[node]?.stale === true);
  const later = await hub.matrixWhere(({ items }) => {
    const label = items[node]?.status.label;
    return label !== undefined && label !== first.items[node]?.status.label;
  });
  expect(later.items[node]?.age_seconds).toBeGreaterThan(first.items[node]?.age_seconds ?? Infinity);
});

// What a node says and what becomes of it: both ways in, bad input, order and duplicates, sockets that replace others.

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLOSE_REJECTED, CLOSE_REPLACED } from '../../contract/frames.ts';
import { problemReason } from '../../contract/problem.ts';
import type { MatrixItem } from '../../contract/read-models.ts';
import { SNAPSHOT_MAX_BYTES, type Snapshot } from '../../contract/snapshot.ts';
import { goldenSnapshot } from '../support/golden.ts';
import { Hub, reasonOf, SHARD } from '../support/hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { UplinkClient } from '../support/uplink-client.ts';

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

async function itemWhere(node: string, isWanted: (item: MatrixItem) => boolean): Promise<MatrixItem> {
  const matrix = await hub.matrixWhere(({ items }) => {
    const item = items[node];
    return item !== undefined && isWanted(item);
  });
  const item = matrix.items[node];
  if (item === undefined) throw new Error('unreachable: the wait has checked it');
  return item;
}

let asked = 0;

/** The item as it is now: a question that nobody asked before is not answered with an older cut. */
async function itemNow(node: string): Promise<MatrixItem | undefined> {
  asked += 1;
  return (await hub.matrix(`?node=${node}&limit=${asked}`)).items[node];
}

async function rejection(client: UplinkClient): Promise<string | undefined> {
  const { problem } = await client.next('reject');
  return problemReason(problem);
}

/** A snapshot of exactly so many bytes. */
function ofSize(bytes: number, node: string, seq: number): Snapshot {
  const padded = { ...snapshot({ node, seq }), padding: '' };
  padded.padding = 'x'.repeat(bytes - JSON.stringify(padded).length);
  return padded;
}

/** A snapshot of a newer reporter, which says more than this hub knows. */
function tomorrows(node: string): Snapshot {
  const golden = { ...goldenSnapshot(), target: node, from_tomorrow: { deep: [1, { x: null }] } };
  Object.assign(golden.runtimes[0]?.status.health ?? {}, { new_figure: 7 });
  Object.assign(golden.runtimes[0]?.descriptor ?? {}, { new_word: 'ü' });
  return golden;
}

/** The answer to a report, but for what is of the moment. */
async function answerTo(
  path: string,
  presented: string,
  sent: { headers?: Record<string, string>; body: unknown },
) {
  const answer = await hub.ask(path, {
    method: 'POST',
    token: presented,
    ...sent,
    headers: { 'x-request-id': 'of-mine', ...sent.headers },
  });
  const { status, headers } = answer;
  const told: unknown = await answer.json();
  return {
    status,
    told: typeof told === 'object' && { ...told, interval_ms: 0, server_time: '' },
    type: headers.get('content-type'),
    challenge: headers.get('www-authenticate'),
    requestId: headers.get('x-request-id'),
  };
}

function named(node: string, bootId: string, seq: number, word: string): Snapshot {
  return snapshot({ node, bootId, seq, runtimes: [runtimeRecord({ model: word })] });
}

function heartbeat(seq: number, load: number): Snapshot {
  const said = snapshot({ node: 'figures', seq });
  return { ...said, host: { ...said.host, load_ratio: load } };
}

/** Around 5 s: chance spreads the reports of nodes that came at the same time. */
function isUsualInterval(ms: number): boolean {
  return ms >= 4500 && ms <= 5500;
}

function modelOf(item: MatrixItem): string | undefined {
  return item.runtimes?.[0]?.descriptor.models?.[0]?.id;
}

describe('both ways in', () => {
  test('make the same item of the same snapshot, whatever fields a newer node put into it', async () => {
    const posting = await hub.enroll('by-post');
    const linked = await hub.enroll('by-socket');
    const client = await hub.uplink('by-socket', linked.token);
    expect((await hub.post('by-post', posting.token, tomorrows('by-post'))).status).toBe(200);
    await client.report(tomorrows('by-socket'));

    const posted = await itemWhere('by-post', () => true);
    const sent = await itemWhere('by-socket', () => true);
    expect(posted).toEqual({
      ...tomorrows('by-post'),
      received_at: posted.received_at,
      expires_at: posted.expires_at,
      age_seconds: posted.age_seconds,
      stale: false,
      uplink: 'post',
    });
    const { received_at, expires_at, age_seconds } = sent;
    expect(sent).toEqual({
      ...posted,
      target: 'by-socket',
      uplink: 'open',
      received_at,
      expires_at,
      age_seconds,
    });
    await client.close();
    await itemWhere('by-socket', ({ uplink }) => uplink === 'closed');
  });

  test('a heartbeat is answered with the pace, a frame only where it asks for it', async () => {
    const { token } = await hub.enroll('paced');
    const answer = await hub.post('paced', token, snapshot({ node: 'paced' }));
    expect(await answer.json()).toEqual({
      ttl_seconds: 60,
      interval_ms: expect.toSatisfy(isUsualInterval),
      server_time: expect.stringMatching(/^\d{4}-.*Z$/),
      commands: [],
    });

    const client = await hub.uplink('paced', token);
    client.send({ type: 'health', snapshot: snapshot({ node: 'paced', seq: 2 }) });
    client.send({ type: 'health', ack: true, snapshot: snapshot({ node: 'paced', seq: 3 }) });
    expect(await client.next('health.ack')).toMatchObject({ boot_id: 'boot-1', seq: 3 });
    expect(client.frames).toEqual([]);
    await client.close();
  });

  test('a welcome says what an enrolment says', async () => {
    const given = await hub.enroll('welcomed');
    const client = await UplinkClient.open(hub.url, 'welcomed', given.token);
    client.send({ type: 'hello', node: 'welcomed', boot_id: 'b', reporter: { version: '9' }, more: 1 });
    expect(await client.next('welcome')).toMatchObject({
      ttl_seconds: given.ttl_seconds,
      interval_ms: expect.toSatisfy(isUsualInterval),
    });
    expect(isUsualInterval(given.interval_ms)).toBe(true);
    await client.close();
  });
});

describe('a report that meets no router', () => {
  let token: string;

  beforeAll(async () => {
    ({ token } = await hub.enroll('quick'));
    await hub.post('quick', token, snapshot({ node: 'quick' }));
  });

  test.each<[string, number, { token?: string; headers?: Record<string, string>; body: unknown }]>([
    ['an echo', 200, { body: snapshot({ node: 'quick', seq: 1 }) }],
    ['another node', 409, { body: snapshot({ node: 'other' }) }],
    ['no JSON', 400, { body: '{' }],
    ['no UTF-8', 400, { body: new Uint8Array([0x22, 0xff, 0x22]) }],
    ['another media type', 415, { headers: { 'content-type': 'text/plain' }, body: '{}' }],
    ['too many bytes', 413, { body: ofSize(SNAPSHOT_MAX_BYTES + 1, 'quick', 2) }],
    ['a wrong token', 401, { token: 'arwn_quick.wrong', body: snapshot({ node: 'quick', seq: 2 }) }],
    ['a token of another node', 403, { token: 'arwn_other.wrong', body: snapshot({ node: 'quick' }) }],
  ])('is answered as one that does: %s', async (_what, status, { token: given, ...sent }) => {
    const quick = await answerTo('/nodes/quick/health', given ?? token, sent);
    // Only the router reads on behind the path.
    const usual = await answerTo('/nodes/quick/health?usual=1', given ?? token, sent);
    const spelled = await answerTo('/nodes/qu%69ck/health', given ?? token, sent);
    expect(quick).toMatchObject({ status, requestId: 'of-mine' });
    expect(usual).toEqual(quick);
    expect(spelled).toEqual(quick);
  });
});

describe('a bad body', () => {
  let token: string;

  beforeAll(async () => {
    ({ token } = await hub.enroll('strict'));
    await hub.post('strict', token, snapshot({ node: 'strict', seq: 10 }));
  });

  const deep = snapshot({ node: 'strict', seq: 11 });
  Object.assign(deep.runtimes[0]?.status ?? {}, { state: 'sleepy' });

  test.each<[string, unknown, string, number, RegExp]>([
    ['no JSON', '{"target":', 'malformed-body', 400, /not JSON/],
    ['nothing', undefined, 'malformed-body', 400, /not JSON/],
    ['a list', [], 'malformed-body', 400, /./],
    [
      'a member of a wrong type',
      { ...snapshot({ node: 'strict' }), seq: 'x' },
      'malformed-body',
      400,
      /^seq: /,
    ],
    ['a fault far inside', deep, 'malformed-body', 400, /^runtimes\.0\.status\.state: /],
    [
      'a month that is none',
      { ...snapshot({ node: 'strict' }), generated: '2026-13-01T00:00:00Z' },
      'malformed-body',
      400,
      /^generated: /,
    ],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'malformed-body', 400, /UTF-8/],
    ['one byte too many', ofSize(SNAPSHOT_MAX_BYTES + 1, 'strict', 11), 'body-too-large', 413, /262144/],
    [
      'another node',
      snapshot({ node: 'other', seq: 11 }),
      'node-mismatch',
      409,
      /"strict".*"other".*ARW_NODE_ID/,
    ],
  ])('with %s changes nothing and is told why', async (_what, body, reason, status, words) => {
    const answer = await hub.ask('/nodes/strict/health', { method: 'POST', token, body });
    expect(answer.status).toBe(status);
    expect(await answer.clone().json()).toMatchObject({ detail: expect.stringMatching(words) });
    expect(await reasonOf(answer)).toBe(reason);
    expect((await itemNow('strict'))?.seq).toBe(10);
  });

  test('without a length is cut off at the limit', async () => {
    let sent = 0;
    // It says one byte too many and then nothing: what nobody reads any more would break the line under the answer.
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        const size = Math.min(16 * 1024, SNAPSHOT_MAX_BYTES + 1 - sent);
        sent += size;
        if (size > 0) controller.enqueue(new Uint8Array(size).fill(0x20));
        else return new Promise(() => undefined);
        return undefined;
      },
    });
    const answer = await fetch(new URL('/nodes/strict/health', hub.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: endless,
      duplex: 'half',
    });
    expect(await reasonOf(answer)).toBe('body-too-large');
  });

  test('that is no JSON by its own word', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const headers = { 'content-type': type };
      const body = snapshot({ node: 'strict', seq: 11 });
      const answer = await hub.ask('/nodes/strict/health', { method: 'POST', token, headers, body });
      expect(answer.status).toBe(415);
      expect(await reasonOf(answer)).toBe('unsupported-media-type');
    }
  });

  test('is not one of exactly the limit, nor one with a charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const body = ofSize(SNAPSHOT_MAX_BYTES, 'strict', 20);
    const answer = await hub.ask('/nodes/strict/health', { method: 'POST', token, headers, body });
    expect(answer.status).toBe(200);
    await itemWhere('strict', ({ seq }) => seq === 20);
  });
});

describe('a bad frame', () => {
  let client: UplinkClient;
  let token: string;

  beforeAll(async () => {
    ({ token } = await hub.enroll('framed'));
    client = await hub.uplink('framed', token);
  });
  afterAll(async () => client.close());

  test.each<[string, string | object | Buffer, string]>([
    ['no JSON', '{', 'malformed-body'],
    ['no object', '[]', 'malformed-body'],
    ['a type that this hub does not know', { type: 'future.frame', id: 1 }, 'unknown-frame'],
    ['a fault in its shape', { type: 'health', snapshot: { target: 'framed' } }, 'malformed-body'],
    [
      'too many bytes',
      { type: 'health', snapshot: ofSize(SNAPSHOT_MAX_BYTES, 'framed', 1) },
      'body-too-large',
    ],
    ['an unknown command', { type: 'command.received', id: 'framed:nothing' }, 'unknown-job'],
    ['binary', Buffer.from('{}'), 'unknown-frame'],
  ])('with %s is rejected, and the socket goes on', async (_what, frame, reason) => {
    if (Buffer.isBuffer(frame)) client.socket.send(frame);
    else client.send(frame);
    expect(await rejection(client)).toBe(reason);
    client.send({ type: 'health', ack: true, snapshot: snapshot({ node: 'framed' }) });
    await client.next('health.ack');
  });

  test('names the place of the fault', async () => {
    client.send({ type: 'health', snapshot: { ...snapshot({ node: 'framed' }), seq: -1 } });
    const { problem } = await client.next('reject');
    expect(problem.detail).toMatch(/^snapshot\.seq: /);
  });

  test('before its hello is rejected, and a hello still helps', async () => {
    const { token: early } = await hub.enroll('early');
    const hasty = await UplinkClient.open(hub.url, 'early', early);
    hasty.send({ type: 'health', ack: true, snapshot: snapshot({ node: 'early' }) });
    hasty.send({ type: 'command.received', id: 'early:1' });
    expect(await rejection(hasty)).toBe('not-admitted');
    expect(await rejection(hasty)).toBe('not-admitted');
    hasty.send({ type: 'hello', node: 'early', boot_id: 'b', reporter: { version: '0.1.0' } });
    await hasty.next('welcome');
    await hasty.report(snapshot({ node: 'early' }));
    expect(hasty.frames).toEqual([]);
    await hasty.close();
  });

  test('a snapshot for another node is rejected and ends the socket', async () => {
    client.send({ type: 'health', snapshot: snapshot({ node: 'own' }) });
    expect(await rejection(client)).toBe('node-mismatch');
    expect(await client.closed).toMatchObject({ code: CLOSE_REJECTED });
    expect(await itemNow('own')).toBeUndefined();
    client = await hub.uplink('framed', token);
  });

  test('a hello of another node is rejected and ends the socket', async () => {
    const liar = await UplinkClient.open(hub.url, 'framed', token);
    liar.send({ type: 'hello', node: 'other', boot_id: 'b', reporter: { version: '0.1.0' } });
    expect(await rejection(liar)).toBe('node-mismatch');
    expect(await liar.closed).toMatchObject({ code: CLOSE_REJECTED });
    client = await hub.uplink('framed', token);
  });
});

describe('order', () => {
  test('an echo and a late word change nothing, whatever way they took', async () => {
    const { token } = await hub.enroll('ordered');
    const client = await hub.uplink('ordered', token);
    await client.report(named('ordered', 'a', 5, 'five'));
    const first = await itemWhere('ordered', () => true);

    await client.report(named('ordered', 'a', 5, 'echo'));
    await hub.post('ordered', token, named('ordered', 'a', 4, 'late'));
    expect(await itemNow('ordered')).toEqual({ ...first, age_seconds: expect.any(Number) });

    await client.report(named('ordered', 'a', 9, 'nine'));
    expect(modelOf(await itemWhere('ordered', ({ seq }) => seq === 9))).toBe('nine');
    await client.close();
  });

  test('figures alone are shown as well, by either way, and an eviction leaves the last row that was due', async () => {
    const linked = await hub.enroll('figures');
    const client = await hub.uplink('figures', linked.token);
    await client.report(heartbeat(1, 0.1));
    for (const seq of [2, 3, 4]) await client.report(heartbeat(seq, seq));
    expect(await itemNow('figures')).toMatchObject({ seq: 4, host: { load_ratio: 4 } });
    await client.report(heartbeat(3, 33));
    expect(await itemNow('figures')).toMatchObject({ seq: 4, host: { load_ratio: 4 } });
    expect((await hub.post('figures', linked.token, heartbeat(5, 5))).status).toBe(200);
    expect((await hub.post('figures', linked.token, heartbeat(6, 6))).status).toBe(200);
    expect((await hub.post('figures', linked.token, heartbeat(6, 66))).status).toBe(200);
    expect(await itemNow('figures')).toMatchObject({ seq: 6, host: { load_ratio: 6 } });
    await hub.evict(SHARD);
    // The row is the one of the last change of the way.
    expect(await itemNow('figures')).toMatchObject({ seq: 5, host: { load_ratio: 5 } });
    await client.close();
  });

  test('another start counts anew', async () => {
    const { token } = await hub.enroll('restarted');
    await hub.post('restarted', token, named('restarted', 'a', 500, 'old'));
    await hub.post('restarted', token, named('restarted', 'b', 1, 'new'));
    expect(modelOf(await itemWhere('restarted', ({ seq }) => seq === 1))).toBe('new');
  });
});

describe('sockets', () => {
  test('a newer one replaces the older, whose late end does not count', async () => {
    const { token } = await hub.enroll('twice');
    const older = await hub.uplink('twice', token);
    await older.report(snapshot({ node: 'twice', seq: 1 }));
    const newer = await hub.uplink('twice', token);

    expect(await older.closed).toMatchObject({ code: CLOSE_REPLACED });
    await newer.report(snapshot({ node: 'twice', seq: 2 }));
    expect(await itemWhere('twice', ({ seq }) => seq === 2)).toMatchObject({ uplink: 'open' });

    await newer.close();
    await itemWhere('twice', ({ uplink }) => uplink === 'closed');
  });

  test('an old one is not listened to any more', async () => {
    const { token } = await hub.enroll('deaf');
    const older = await hub.uplink('deaf', token);
    await older.report(snapshot({ node: 'deaf', seq: 1 }));
    // Both in one go: the words of the old one are on their way when the new one is opened.
    older.socket.pause();
    const newer = await hub.uplink('deaf', token);
    older.send({ type: 'health', snapshot: snapshot({ node: 'deaf', seq: 99 }) });
    older.socket.resume();
    await older.closed;

    await newer.report(snapshot({ node: 'deaf', seq: 2 }));
    expect(await itemNow('deaf')).toMatchObject({ seq: 2 });
    await newer.close();
  });

  test('a ping is answered', async () => {
    const { token } = await hub.enroll('pinged');
    const client = await hub.uplink('pinged', token);
    const answered = once(client.socket, 'message');
    client.send('ping');
    expect(String((await answered)[0])).toBe('pong');
    await client.close();
  });

  test('one that breaks off counts as closed', async () => {
    const { token } = await hub.enroll('broken');
    const client = await hub.uplink('broken', token);
    await client.report(snapshot({ node: 'broken' }));
    await itemWhere('broken', ({ uplink }) => uplink === 'open');
    client.socket.terminate();
    const item = await itemWhere('broken', ({ uplink }) => uplink !== 'open');
    expect(item).toMatchObject({ uplink: 'closed', stale: false });
  });
});

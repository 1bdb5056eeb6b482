// The uplink against a hub that does what it is told: both ways to it, and every fault of it.

import { describe, expect, test } from 'vitest';
import { CLOSE_REPLACED } from '../../contract/frames.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub, NODE_TOKEN } from '../support/fake-hub.ts';
import { NODE, Reporting } from '../support/reporting.ts';

describe('by WebSocket', () => {
  test('says hello, reports once welcomed, and asks for word of the first snapshot only', async () => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    reporting.uplink.publishNow();
    await hub.heard(2);

    expect(hub.frames.map(({ type }) => type)).toEqual(['hello', 'health', 'health']);
    expect(hub.frames).toMatchObject([
      { type: 'hello', node: NODE, boot_id: 'boot-1', reporter: { version: '0.1.0' } },
      { ack: true, snapshot: { seq: 1 } },
      { snapshot: { seq: 2 } },
    ]);
    expect(hub.frames[2]).not.toHaveProperty('ack');
    expect(reporting.firstAccepted).toBe(1);
    expect(reporting.log.lines).toEqual([`info reporting to ${hub.url.origin} by WebSocket, every 60 s`]);
  });
  test('keeps the pace that the hub asks for', async () => {
    const hub = await FakeHub.start();
    hub.intervalMs = 20;
    const { uplink } = new Reporting(hub.url);
    await hub.heard(4);
    expect(hub.connections).toBe(1);
    await uplink.stop();
  });
  test('counts the interval from the last report, whatever sent it', async () => {
    const hub = await FakeHub.start();
    hub.intervalMs = 50;
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    const startedMs = performance.now();
    for (let change = 0; change < 20; change += 1) reporting.uplink.publishNow();
    const before = reporting.seq;
    await hub.heard(before + 4);
    // A rhythm for each of them would be done after one interval.
    expect(performance.now() - startedMs).toBeGreaterThan(150);
  });
  test('knows the time of the hub', async () => {
    const hub = await FakeHub.start();
    hub.clockAheadMs = 3_600_000;
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    expect(Math.abs(reporting.uplink.hubNowMs() - Date.now() - hub.clockAheadMs)).toBeLessThan(5_000);
  });
  test.each([
    ['a broken line', undefined],
    ['a hub that goes away', 1001],
    ['another reporter of this node', CLOSE_REPLACED],
  ])('comes back after %s, and does not call that a first time', async (_what, code) => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    hub.drop(code);
    await hub.framesOf('hello', 2);
    await hub.heard(2);

    // Each socket asks anew whether it is heard.
    expect(hub.snapshots.map(({ way, snapshot: { seq } }) => [way, seq])).toEqual([
      ['socket', 1],
      ['socket', 2],
    ]);
    expect(hub.frames.filter((frame) => frame.type === 'health' && frame.ack === true)).toHaveLength(2);
    expect(reporting.firstAccepted).toBe(1);
  });
  test('finds a hub that was down at first', async () => {
    const port = await freePort();
    const reporting = new Reporting(new URL(`http://127.0.0.1:${port}/`));
    await reporting.logs(
      `The hub at 127.0.0.1:${port} is away: connection refused; trying again; runtimes are supervised`,
    );
    const hub = await FakeHub.start(port);
    await reporting.accepted();
    // Not by POST, as a hub that comes up between two tries would once be reported to.
    expect(hub.snapshots.map(({ way }) => way)).toEqual(['socket']);
    // However often it was tried, it is said once.
    expect(reporting.log.lines.filter((line) => line.includes('is away'))).toHaveLength(1);
  });
  test('notices a hub that does not answer pings any more', async () => {
    const hub = await FakeHub.start();
    hub.manner = 'deaf';
    const reporting = new Reporting(hub.url, { timing: { pingEveryMs: 20, pongWithinMs: 20 } });
    await hub.framesOf('hello', 2);
    await reporting.logs('The hub did not answer a ping in time');
    expect(hub.pings).toBeGreaterThan(0);
  });
  test('stays with one that does', async () => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url, {
      timing: { welcomeWithinMs: 800, pingEveryMs: 1_000, pongWithinMs: 900 },
    });
    await eventually('a second ping', () => hub.pings >= 2);
    await reporting.accepted();
    expect(await hub.framesOf('hello')).toHaveLength(1);
  });
  test('does not wait for ever for a welcome', async () => {
    const hub = await FakeHub.start();
    hub.manner = 'quiet';
    const reporting = new Reporting(hub.url, { timing: { welcomeWithinMs: 50 } });
    await reporting.accepted();
    expect(hub.snapshots[0]).toMatchObject({ way: 'post' });
    expect(reporting.log.text()).toContain('by POST');
  });
  test('tells of a rejected frame, and ignores what it does not know', async () => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    for (const frame of ['no JSON', '[]', '{"type":"relay.open","id":"1"}', '{"type":"command","id":7}'])
      hub.send(frame);
    const problem = { type: 'about:blank', title: 'Too large', status: 413, detail: 'Send less.' };
    hub.send({ type: 'reject', problem });
    await reporting.logs('error The hub rejected a frame: Too large. Send less.');
    expect(reporting.commands).toEqual([]);
    expect(hub.connections).toBe(1);
  });
});

describe('where WebSockets do not pass', () => {
  test.each([403, 426, 502])('a proxy that answers %i: the same snapshots by POST', async (status) => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status };
    hub.intervalMs = 20;
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    await hub.heard(3);

    expect(hub.snapshots.slice(0, 3)).toMatchObject([
      { way: 'post', snapshot: { target: NODE, seq: 1 } },
      { way: 'post', snapshot: { seq: 2 } },
      { way: 'post', snapshot: { seq: 3 } },
    ]);
    expect(reporting.firstAccepted).toBe(1);
    expect(reporting.log.text()).toBe(
      `info reporting to ${hub.url.origin} by POST, since WebSockets do not pass, every 0.02 s`,
    );
  });
  test('tries a WebSocket again after a while, and stays with it', async () => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status: 403 };
    hub.intervalMs = 10;
    const reporting = new Reporting(hub.url, { timing: { socketRetryMs: 50 } });
    await reporting.accepted();
    hub.refuseUplink = undefined;
    await hub.framesOf('health');
    await reporting.logs('by WebSocket, every');
    expect(reporting.log.lines.at(-1)).toContain('by WebSocket');
  });
  test('a change goes out at once', async () => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status: 403 };
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    reporting.uplink.publishSoon();
    await hub.heard(2);
    expect(hub.snapshots.map(({ way }) => way)).toEqual(['post', 'post']);
  });
  test('a heartbeat that fails is tried again', async () => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status: 403 };
    hub.refusePost = { reason: 'internal' };
    const reporting = new Reporting(hub.url);
    await reporting.logs('The hub answered 500: The hub failed. This is why.; trying again');
    hub.refusePost = undefined;
    await reporting.accepted();
    expect(hub.snapshots[0]).toMatchObject({ way: 'post' });
  });
  test('a server that is no hub is called that', async () => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status: 404 };
    hub.refusePost = { status: 404 };
    const reporting = new Reporting(hub.url);
    await reporting.logs(`${hub.url.origin} answered 404, but not as a hub does; check --hub`);
    expect(reporting.firstAccepted).toBe(0);
  });
});

test.each(['unauthorized', 'unknown-node'] as const)(
  'a hub that says %s: the log says what to do',
  async (reason) => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { reason };
    hub.refusePost = { reason };
    const reporting = new Reporting(hub.url);
    await reporting.logs('remove its credentials file and start it with ARW_JOIN_TOKEN');
    await reporting.logs('This is why.');
    expect(reporting.log.text()).not.toContain(NODE_TOKEN);
  },
);

test('several changes at once are one snapshot', async () => {
  const hub = await FakeHub.start();
  const reporting = new Reporting(hub.url);
  await reporting.accepted();
  for (let change = 0; change < 5; change += 1) reporting.uplink.publishSoon();
  await hub.heard(2);
  reporting.uplink.publishSoon();
  await hub.heard(3);
  expect(hub.snapshots.map(({ snapshot: { seq } }) => seq)).toEqual([1, 2, 3]);
});

describe('the end', () => {
  test('is told with a last snapshot and a close in good order', async () => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    await reporting.uplink.stop();
    await eventually('the close', () => hub.closes.length === 1);
    expect(hub.snapshots.map(({ snapshot: { seq } }) => seq)).toEqual([1, 2]);
    expect(hub.closes).toEqual([{ code: 1000, reason: 'reporter ends' }]);
  });
  test('is told by POST where that is the way', async () => {
    const hub = await FakeHub.start();
    hub.refuseUplink = { status: 403 };
    const reporting = new Reporting(hub.url);
    await reporting.accepted();
    await reporting.uplink.stop();
    expect(hub.snapshots.map(({ way }) => way)).toEqual(['post', 'post']);
  });
  test.each([
    ['nobody listens', async () => new URL(`http://127.0.0.1:${await freePort()}/`)],
    [
      'the hub says nothing',
      async () => {
        const hub = await FakeHub.start();
        hub.manner = 'quiet';
        return hub.url;
      },
    ],
  ])('does not wait where %s', async (_what, hubUrl) => {
    // Whatever it could wait for takes longer than a test may.
    const reporting = new Reporting(await hubUrl(), {
      timing: {
        reconnect: { baseMs: 60_000, capMs: 60_000 },
        welcomeWithinMs: 60_000,
        lastWordsWithinMs: 100,
      },
    });
    await reporting.uplink.stop();
    expect(reporting.firstAccepted).toBe(0);
  });
  test('does not wait for a hub that reads nothing more', async () => {
    const hub = await FakeHub.start();
    const reporting = new Reporting(hub.url, { timing: { lastWordsWithinMs: 100 } });
    await reporting.accepted();
    hub.freeze();
    // A close that is never answered is waited for as long as a test may take.
    await expect(reporting.uplink.stop()).resolves.toBeUndefined();
  });
  test('comes also while it waits to try again', async () => {
    const url = new URL(`http://127.0.0.1:${await freePort()}/`);
    const reporting = new Reporting(url, { timing: { reconnect: { baseMs: 3_600_000, capMs: 3_600_000 } } });
    await reporting.logs('is away');
    await expect(reporting.uplink.stop()).resolves.toBeUndefined();
  });
});

// Those who subscribe to events and go, or do not read: nothing of them is left, and nobody else hears less.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { SocketReader, SseReader } from '../support/event-reader.ts';
import { eventually } from '../support/eventually.ts';
import { Hub, until } from '../support/hub.ts';
import { ServedHub } from '../support/served-hub.ts';
import { runtimeRecord, snapshot } from '../support/snapshot.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Snapshots of 200 kB, none of which is kept anywhere. */
const detail = Array.from({ length: 4 }, () => 'x'.repeat(200));
const wide = Array.from({ length: 160 }, (_, index) => {
  const record = runtimeRecord({ id: `r${index}` });
  return { ...record, status: { ...record.status, detail } };
});
const wideNodes = Array.from({ length: 4 }, (_, index) => `wide-${index}`);

/** More than the network's own buffers hold for a reader, and the window. */
const FLOOD_BYTES = 24 * 1024 * 1024;

let hub: Hub;
let seq = 0;
const tokens = new Map<string, string>();
beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(() => hub.stop());

async function say(node: string, runtimes = [runtimeRecord()]): Promise<void> {
  const token = tokens.get(node) ?? (await hub.enroll(node)).token;
  tokens.set(node, token);
  seq += 1;
  await (await hub.post(node, token, snapshot({ node, seq, runtimes }))).body?.cancel();
}

test('one that leaves is forgotten', async () => {
  const before = await hub.subscribers();
  const reader = await SseReader.open(hub.url, { query: '?prefix=node.,runtime.state.' });
  const socket = await SocketReader.open(hub.url, { query: '?prefix=node.,runtime.state.' });
  const polite = await SocketReader.open(hub.url, { query: '?prefix=node.,runtime.state.' });
  expect(await hub.subscribers()).toBe(before + 3);
  reader.leave();
  socket.socket.terminate();
  polite.socket.close(1000);
  await polite.closed;
  let turn = 0;
  await until(
    async () => {
      // That a peer has gone may be noticed only where something is sent to it.
      turn += 1;
      await say('turning', [runtimeRecord({ state: turn % 2 === 0 ? 'ready' : 'error' })]);
      return hub.subscribers();
    },
    (now) => now === before,
    20_000,
  );
}, 30_000);

test('one that is slow is cut off with a reason, and whoever reads is not', async () => {
  // As users run it: the test's own harness reads for a slow reader.
  const served = await ServedHub.ready(await temporaryFolder());
  const url = new URL(served.url);
  const open = { query: '?prefix=runtime.health', token: served.token };
  const slow = await SseReader.open(url, open);
  // A socket that acknowledges nothing is one that reads nothing, whatever the network holds for it.
  const silent = await SocketReader.open(url, open);
  const quick = await SseReader.open(url, open);
  const attentive = await SocketReader.open(url, { ...open, acks: true });
  slow.stall();
  const wideTokens = await Promise.all(wideNodes.map((node) => served.enrol(node)));
  for (let round = 1; attentive.received < FLOOD_BYTES; round += 1) {
    for (const [index, node] of wideNodes.entries()) {
      const body = snapshot({ node, seq: round, runtimes: wide });
      const answer = await served.ask('POST', `/nodes/${node}/health`, {
        token: wideTokens[index] ?? '',
        body,
      });
      expect(answer.status).toBe(200);
    }
  }
  expect(await silent.closed).toMatchObject({ code: 4008 });
  expect(silent.events.at(-1)).toMatchObject({ kind: 'stream.end', payload: { reason: 'slow-reader' } });
  slow.response.resume();
  expect(await slow.over).toBe('ended');
  expect(slow.events.at(-1)).toMatchObject({ kind: 'stream.end', payload: { reason: 'slow-reader' } });
  await eventually('the quick one has all of it', () => quick.bytes > FLOOD_BYTES);
  for (const reader of [quick, attentive]) expect(reader.of('stream.end')).toEqual([]);
}, 60_000);

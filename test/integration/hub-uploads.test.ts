// Parts of an answer that a node uploads: passed on where they stand, by the platform alone, and ended with whoever goes.

import { once } from 'node:events';
import { request, type ClientRequest } from 'node:http';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { RelayOpen } from '../../contract/relay.ts';
import { eventually } from '../support/eventually.ts';
import { ADMIN_TOKEN, Hub } from '../support/hub.ts';
import {
  actionOver,
  linkedAlone,
  Reading,
  streamed,
  submitted,
  type RelayNode,
} from '../support/relay-node.ts';

let hub: Hub;

beforeAll(async () => {
  hub = await Hub.start();
});
afterAll(async () => hub.stop());

type Begun = { at: RelayNode; model: string; open: RelayOpen; answer: Response };

/** A stream whose first bytes came as records. */
async function begun(): Promise<Begun> {
  const { at, model } = await linkedAlone(hub);
  const asking = streamed(hub, { prompt: 'Hi', model });
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  at.chunk(open, 'data: a\n\n');
  return { at, model, open, answer: await asking };
}

test('parts stand where the node said that it moved, between what comes as records', async () => {
  const { at, open, answer } = await begun();
  const first = await at.moved(open);
  first.part.write('data: b\n\n');
  // It may still be on its way: what follows as records follows it.
  at.chunk(open, 'data: c\n\n');
  first.part.end('data: b2\n\n');
  expect(await first.over).toEqual({ status: 204, text: '' });
  const second = await at.moved(open);
  second.part.end('data: d\n\n');
  expect((await second.over).status).toBe(204);
  at.chunk(open, 'data: e\n\n');
  at.end(open);
  const said = ['a', 'b', 'b2', 'c', 'd', 'e'].map((each) => `data: ${each}\n\n`).join('');
  expect(await answer.text()).toBe(said);
  expect(await actionOver(hub, open.id)).toMatchObject({ state: 'completed' });
});

test('an end that comes before the last byte of a part waits for it', async () => {
  const { at, open, answer } = await begun();
  const { part, over } = await at.moved(open);
  at.end(open);
  part.write('data: b\n\n');
  part.end('data: c\n\n');
  expect(await answer.text()).toBe('data: a\n\ndata: b\n\ndata: c\n\n');
  expect((await over).status).toBe(204);
  expect(await actionOver(hub, open.id)).toMatchObject({ state: 'completed' });
});

test('many at once: each gets its own', async () => {
  const { at, model } = await linkedAlone(hub);
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const texts = await Promise.all(
    numbers.map(async (index) => {
      const asking = streamed(hub, { prompt: String(index), model });
      const open = await at.asked();
      at.head(open, 'text/event-stream');
      const { part } = at.upload(open);
      await eventually('it is taken', () =>
        at.client.frames.some((frame) => frame.type === 'relay.upload' && frame.stream === open.stream),
      );
      at.client.send({ type: 'relay.moved', stream: open.stream });
      const own = `data: ${open.id}\n\n`;
      for (let round = 0; round < 5; round += 1) part.write(own);
      part.end();
      at.end(open);
      const answer = await asking;
      const id = answer.headers.get('x-arw-action') ?? '';
      return (await answer.text()) === `data: ${id}\n\n`.repeat(5);
    }),
  );
  expect(texts).toEqual(numbers.map(() => true));
});

test('a part that breaks off is told as the last event, and the node to stop', async () => {
  const { at, open, answer } = await begun();
  const { part } = await at.moved(open);
  part.write('data: b\n\n');
  const reading = new Reading(answer);
  await reading.until('data: b\n\n');
  part.destroy();
  const text = await reading.toEnd();
  expect(text).toMatch(/^data: a\n\ndata: b\n{2,4}event: error\ndata: .*"code":"upload_broken".*\n\n$/);
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });
  expect(await actionOver(hub, open.id)).toMatchObject({ error: { reason: 'upload-broken' } });
});

test("an engine's failure is told in the node's words, after all that it had said", async () => {
  const { at, open, answer } = await begun();
  const { part } = await at.moved(open);
  const error = { reason: 'runtime-failed', message: 'The runtime broke off its answer' };
  at.client.send({ type: 'relay.end', stream: open.stream, ok: false, error });
  part.end('data: b\n\n');
  expect(await answer.text()).toMatch(
    /^data: a\n\ndata: b\n{2,4}event: error\ndata: .*"runtime_failed".*\n\n$/,
  );
});

test('a reader that goes cancels at the node, and its upload ends', async () => {
  const { at, model } = await linkedAlone(hub);
  const reader = request(new URL('/actions', hub.url), {
    method: 'POST',
    agent: false,
    headers: {
      accept: 'text/event-stream',
      authorization: `Bearer ${ADMIN_TOKEN}`,
      'content-type': 'application/json',
    },
  });
  reader.on('error', () => undefined);
  reader.on('response', (response) =>
    response.on('error', () => undefined).once('data', () => reader.destroy()),
  );
  reader.end(JSON.stringify({ kind: 'chat.respond', input: { prompt: 'Hi', model } }));
  const open = await at.asked();
  at.head(open, 'text/event-stream');
  const { part, over } = await at.moved(open);
  const stopped = at.client.next('relay.cancel');
  const writing = setInterval(() => part.write('data: x\n\n'), 10);
  expect(await stopped.finally(() => clearInterval(writing))).toMatchObject({ stream: open.stream });
  expect(await actionOver(hub, open.id)).toMatchObject({ error: { reason: 'cancelled' } });
  await over;
});

test('a cancel ends the answer and the upload, though the node says nothing more', async () => {
  const { at, open, answer } = await begun();
  const { over } = await at.moved(open);
  await hub.ask(`/actions/${encodeURIComponent(open.id)}`, { method: 'DELETE' });
  expect(await answer.text()).toMatch(/^data: a\n{2,4}event: error\ndata: .*"code":"cancelled".*\n\n$/);
  await over;
});

test('a node whose socket closes is told at once, though its upload goes on', async () => {
  const { at, open, answer } = await begun();
  const { over } = await at.moved(open);
  at.client.socket.terminate();
  expect(await answer.text()).toMatch(/^data: a\n{2,4}event: error\ndata: .*"code":"node_gone".*\n\n$/);
  await over;
});

// The times of it are in relay-liveness.test.ts.
test('a host that vanishes while it uploads is told', async () => {
  const { at, open, answer } = await begun();
  await at.moved(open);
  at.client.isAlive = false;
  expect(await actionOver(hub, open.id)).toMatchObject({ error: { reason: 'node-silent' } });
  expect(await answer.text()).toMatch(/"code":"node_silent"/);
});

/** Writes until nobody takes more. @returns how many bytes. */
async function filled(part: ClientRequest): Promise<number> {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  for (let isStuck = false; !isStuck;) {
    if (sent > 64 * 1024 * 1024) throw new Error('the hub takes it all');
    sent += piece.length;
    if (part.write(piece)) continue;
    const drained = once(part, 'drain').then(() => false);
    isStuck = await Promise.race([
      drained,
      new Promise<boolean>((resolve) => setTimeout(resolve, 200, true)),
    ]);
  }
  return sent;
}

test('a reader that reads nothing stops the upload, and gets all of it once it reads', async () => {
  const { at, open, answer } = await begun();
  const { part } = await at.moved(open);
  const sent = await filled(part);
  part.end();
  at.end(open);
  expect((await answer.arrayBuffer()).byteLength).toBe('data: a\n\n'.length + sent);
});

test('a cancel while the reader reads nothing ends the upload at once, and is told after what had come of it', async () => {
  const { at, open, answer } = await begun();
  const { part, over } = await at.moved(open);
  await filled(part);
  await hub.ask(`/actions/${encodeURIComponent(open.id)}`, { method: 'DELETE' });
  expect((await over).status).toBe(204);
  expect(await answer.text()).toMatch(/^data: a\n\nx+\n\nevent: error\ndata: .*"code":"cancelled".*\n\n$/);
});

/** What a part is answered with that is whole at once. */
async function status(from: RelayNode, of: RelayOpen, token?: string): Promise<number> {
  const { part, over } = from.upload(of, token);
  part.end('data: nobody’s');
  return (await over).status;
}

test('what nobody waits for, or is not from the node that answers, is refused', async () => {
  const { at, model, open, answer } = await begun();
  onTestFinished(() => answer.body?.cancel());
  const other = await linkedAlone(hub);
  expect(await status(at, { ...open, stream: open.stream + 1 })).toBe(404);
  expect(await status(other.at, open)).toBe(404);
  expect(await status(at, open, other.at.token)).toBe(403);
  expect(await status(at, open, `${at.token}x`)).toBe(401);
  await at.moved(open);
  expect(await status(at, open)).toBe(404);
  // What is kept for later comes whole, as records.
  await submitted(hub, { prompt: 'Hi', model });
  expect(await status(at, await at.asked())).toBe(404);
});

test('a node that says it moved, and uploads nothing, is cut off', async () => {
  const { at, open, answer } = await begun();
  at.client.send({ type: 'relay.moved', stream: open.stream });
  expect(await answer.text()).toMatch(/"code":"upload_broken"/);
  expect(await at.client.next('relay.cancel')).toMatchObject({ stream: open.stream });
});

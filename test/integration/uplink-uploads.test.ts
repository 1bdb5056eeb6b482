// Answers that flow for long, on a host: once the hub takes an upload they leave by it, byte for byte where they stood; where
// it takes none, or the way to it breaks, nobody waits for anything in silence.

import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import type { FakeHub } from '../support/fake-hub.ts';
import { Relaying, type RelayingOptions } from '../support/relaying.ts';

type Flowing = { host: Relaying; stream: number };

/** An answer that has begun, and says what a test orders. */
async function flowing(uploading: FakeHub['uploading'], options: RelayingOptions = {}): Promise<Flowing> {
  const host = await Relaying.linked(options);
  host.hub.uploading = uploading;
  const stream = host.ask('told');
  await host.hub.framesOf('relay.head');
  return { host, stream };
}

async function moved(options: RelayingOptions = {}): Promise<Flowing> {
  const answer = await flowing('taken', options);
  answer.host.engine.tell('say one');
  await answer.host.hub.framesOf('relay.moved');
  return answer;
}

async function uploaded(host: Relaying, text: string): Promise<void> {
  await eventually(`"${text}" is uploaded`, () =>
    host.hub.uploads.some(({ chunks }) => Buffer.concat(chunks).toString().includes(text)),
  );
}

test('it moves to an upload, and its end comes after the last byte of that', async () => {
  const { host, stream } = await moved();
  host.engine.tell('say two');
  await uploaded(host, 'two');
  host.engine.tell('say three');
  host.engine.tell('end');
  expect(await host.answer(stream)).toMatchObject({ end: 'ok' });
  await eventually('it is whole', () => host.hub.uploads[0]?.isWhole);
  expect(host.received(stream).toString()).toBe('data: one\n\ndata: two\n\ndata: three\n\n');
  expect(host.hub.uploadsBegun).toBe(1);
});

test('to an older hub it goes over the socket, and after three nobody tries again', async () => {
  const { host, stream } = await flowing('unknown');
  for (const begun of [1, 2, 3]) {
    if (begun > 1) host.ask('told');
    await host.hub.framesOf('relay.head', begun);
    host.engine.tell('say on');
    await eventually('it was tried', () => host.hub.uploadsBegun === begun);
  }
  await eventually('it is said', () => host.reporting.log.text().includes('Uploads do not reach the hub'));
  const last = host.ask('told');
  await host.hub.framesOf('relay.head', 4);
  host.engine.tell('say all');
  host.engine.tell('end');
  expect(await host.answer(last)).toMatchObject({ text: 'data: all\n\n', end: 'ok' });
  const before = 'data: on\n\n'.repeat(3);
  expect(await host.answer(stream)).toMatchObject({ text: `${before}data: all\n\n`, end: 'ok' });
  expect(host.hub.uploadsBegun).toBe(3);
});

test('a proxy that keeps bodies until they are whole holds nothing up', async () => {
  const { host, stream } = await flowing('kept', { pace: { takenWithinMs: 50 } });
  host.engine.tell('say one');
  await eventually('it comes all the same', () => host.received(stream).includes('one'));
  await eventually('it was tried', () => host.hub.uploadsBegun === 1);
  await eventually('the upload is given up', async () => (await host.hub.openRequests()) === 0);
  host.engine.tell('say two');
  host.engine.tell('end');
  expect(await host.answer(stream)).toMatchObject({ text: 'data: one\n\ndata: two\n\n', end: 'ok' });
  expect(await host.hub.framesOf('relay.moved', 0)).toEqual([]);
});

test('a cancel reaches the engine, and the upload ends without a last word', async () => {
  const { host, stream } = await moved();
  host.engine.tell('say two');
  await uploaded(host, 'two');
  host.hub.send({ type: 'relay.cancel', stream });
  await host.engine.says('aborted');
  await eventually('the upload is over', async () => (await host.hub.openRequests()) === 0);
  expect(host.hub.uploads[0]?.isWhole).toBe(false);
});

test('an upload that breaks is told as that, and the engine is let go', async () => {
  const { host, stream } = await moved();
  host.engine.tell('say two');
  await uploaded(host, 'two');
  host.hub.uploads[0]?.request.destroy();
  expect((await host.answer(stream)).end).toBe('upload-broken');
  await host.engine.says('aborted');
});

test('an engine that dies is told as that, after what it had said', async () => {
  const { host, stream } = await moved();
  host.engine.tell('say two');
  await uploaded(host, 'two');
  host.engine.tell('break');
  expect((await host.answer(stream)).end).toBe('runtime-failed');
  await eventually('it is whole', () => host.hub.uploads[0]?.isWhole);
  expect(host.received(stream).toString()).toBe('data: one\n\ndata: two\n\n');
});

test('a reporter that ends says so, and ends its upload in good order', async () => {
  const { host, stream } = await moved();
  host.engine.tell('say two');
  await uploaded(host, 'two');
  host.intake.stop();
  expect((await host.answer(stream)).end).toBe('node-ends');
  await eventually('it is whole', () => host.hub.uploads[0]?.isWhole);
});

test('a socket that breaks ends the upload too', async () => {
  const { host } = await moved();
  host.hub.drop();
  expect(await host.engine.says('aborted')).toBe('aborted');
  await eventually('the upload is over', async () => (await host.hub.openRequests()) === 0);
});

test('a hub that reads nothing of an upload stops the engine, and one that reads on lets it go on', async () => {
  const host = await Relaying.linked({ pace: { maxBytes: Infinity } });
  host.hub.uploading = 'unread';
  const stream = host.ask('flood-events');
  await host.hub.framesOf('relay.moved');
  await host.engine.says('stuck after');
  let bytes = 0;
  host.hub.uploads[0]?.request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  // More than was on its way when nobody read: the engine has gone on.
  const stuckAfter = Number(/\d+/.exec(await host.engine.says('stuck after'))?.[0]);
  await eventually('it goes on', () => bytes + host.received(stream).length > stuckAfter + 1024 * 1024);
  host.hub.send({ type: 'relay.cancel', stream });
  expect(await host.engine.says('aborted')).toBe('aborted');
});

test('each upload carries so much and no more, and all of them with what is between are the answer', async () => {
  const { host, stream } = await flowing('taken', { pace: { maxBytes: 100 } });
  const said: string[] = [];
  while (host.hub.uploads.length < 3) {
    said.push(`data: ${said.length}\n\n`);
    host.engine.tell(`say ${said.length - 1}`);
    await eventually('it came', () => host.received(stream).length === said.join('').length);
  }
  host.engine.tell('end');
  expect(await host.answer(stream)).toMatchObject({ end: 'ok' });
  expect(host.received(stream).toString()).toBe(said.join(''));
});

test('an upload that a slow reader holds up is ended in its time, and the answer goes on over the socket', async () => {
  const host = await Relaying.linked({ pace: { maxBytes: Infinity, idleMs: 500 } });
  host.hub.uploading = 'unread';
  const stream = host.ask('flood-events');
  await host.hub.framesOf('relay.moved');
  const before = host.received(stream).length;
  host.grant(stream, before);
  await eventually('it goes on as records', () => host.received(stream).length > before);
  host.hub.send({ type: 'relay.cancel', stream });
  expect(await host.engine.says('aborted')).toBe('aborted');
});

// Relayed requests on a host: over its own uplink, through its gateway, to a real server. Byte for byte, under the hub's
// credit, and ended the moment that nobody waits any more.

import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { RELAY_WINDOW_BYTES } from '../../contract/relay-credit.ts';
import { eventually } from '../support/eventually.ts';
import { bodyRecords, Relaying } from '../support/relaying.ts';

const STREAMED = 'data: {"a":1}\n\ndata: ünïcode 😀\n\n: comment\r\n\r\ndata: [DONE]\n\n';

test('hello says that requests may be relayed, and a streamed answer comes byte for byte', async () => {
  const host = await Relaying.linked();
  const [hello] = await host.hub.framesOf('hello');
  expect(hello?.features).toEqual(['relay']);

  const stream = host.ask('stream');
  expect(await host.answer(stream)).toEqual({
    status: 200,
    headers: expect.objectContaining({ 'content-type': 'text/event-stream', 'x-arw-runtime': 'one' }),
    text: STREAMED,
    end: 'ok',
  });
  // The gateway has routed it, and its telemetry counts it.
  await eventually('it is counted', () => host.gateway?.telemetry().hits === 1);
});

test('a gateway that is off is no obstacle, and counts all the same', async () => {
  const host = await Relaying.linked({ gateway: 'off' });
  expect(host.inner.telemetry()).toBeUndefined();
  expect((await host.answer(host.ask('stream'))).text).toBe(STREAMED);
  await eventually('it is counted', () => host.inner.telemetry()?.hits === 1);
});

test("the gateway's own key is no obstacle, and its refusals reach the hub in its words", async () => {
  const host = await Relaying.linked({
    apiKey: 'k',
    runtimes: (engine) => [engine.runtime('one'), engine.runtime('two', { models: [] })],
  });
  expect((await host.answer(host.ask('stream'))).status).toBe(200);
  const open = host.opening();
  host.hub.send(open);
  host.hub.sendRecords(...bodyRecords(open.stream, Buffer.from('{"model":"nobody"}')));
  const refused = await host.answer(open.stream);
  expect(refused).toMatchObject({ status: 404, end: 'ok' });
  expect(JSON.parse(refused.text)).toMatchObject({ error: { code: 'model_not_found' } });
});

test('a body larger than any frame arrives whole, each part only after it was granted', async () => {
  const host = await Relaying.linked();
  const open = host.opening();
  const body = Buffer.from(JSON.stringify({ model: 'm', pad: randomBytes(400_000).toString('base64') }));
  host.hub.send(open);
  let granted = RELAY_WINDOW_BYTES;
  let seen = 0;
  for (const record of bodyRecords(open.stream, body)) {
    const size = record.kind === 'chunk' ? record.payload.byteLength : 0;
    await eventually('the next part is granted', () => {
      const grants = host.hub.records.slice(seen);
      seen = host.hub.records.length;
      for (const grant of grants) if (grant.kind === 'credit') granted += grant.bytes;
      return granted >= size;
    });
    granted -= size;
    host.hub.sendRecords(record);
  }
  const reading = setInterval(() => host.grant(open.stream, RELAY_WINDOW_BYTES), 5);
  const { text } = await host.answer(open.stream).finally(() => clearInterval(reading));
  const echoed = Buffer.from(String(Object(JSON.parse(text)).body), 'base64');
  // Under the name that the server itself knows, which is the same here.
  expect(echoed.equals(body)).toBe(true);
});

test('a hub that sends more than was granted is refused, and nobody else suffers', async () => {
  const host = await Relaying.linked();
  const open = host.opening();
  host.hub.send(open);
  host.hub.sendRecords(
    ...bodyRecords(open.stream, Buffer.alloc(RELAY_WINDOW_BYTES * 4, 'x')).map((record) => ({
      ...record,
      isLast: false,
    })),
  );
  expect((await host.answer(open.stream)).end).toMatch(/window-exceeded|runtime-failed/);
  expect((await host.answer(host.ask('stream'))).end).toBe('ok');
});

test('a cancel reaches the engine at once, and the hub hears nothing more of it', async () => {
  const host = await Relaying.linked();
  const stream = host.ask('hang');
  await eventually('the first bytes', () => host.received(stream).length > 0);
  host.hub.send({ type: 'relay.cancel', stream });
  await host.engine.says('aborted');
  expect((await host.answer(host.ask('stream'))).end).toBe('ok');
  expect(host.hub.frames.some((frame) => frame.type === 'relay.end' && frame.stream === stream)).toBe(false);
});

test('a socket that breaks ends what was relayed over it, also at the engine', async () => {
  const host = await Relaying.linked();
  const stream = host.ask('hang');
  await eventually('the first bytes', () => host.received(stream).length > 0);
  host.hub.drop();
  expect(await host.engine.says('aborted')).toBe('aborted');
});

test('an engine that dies within its answer is told as that, after what it had said', async () => {
  const host = await Relaying.linked();
  const { text, end } = await host.answer(host.ask('die-within'));
  expect(text).toBe('data: first\n\n');
  expect(end).toBe('runtime-failed');
});

test('a reporter that ends says so to whoever waits', async () => {
  const host = await Relaying.linked();
  const stream = host.ask('silent');
  await host.engine.says('asked silent');
  host.intake.stop();
  expect((await host.answer(stream)).end).toBe('node-ends');
  expect((await host.answer(host.ask('stream'))).end).toBe('node-ends');
});

test('twenty at once: each gets its own, whole', async () => {
  const host = await Relaying.linked();
  const streams = Array.from({ length: 20 }, () => host.ask('stream'));
  for (const stream of streams)
    expect(await host.answer(stream)).toMatchObject({ text: STREAMED, end: 'ok' });
});

test('a hub that reads nothing stops the engine, holds up nobody else, and no heartbeat', async () => {
  const host = await Relaying.linked({ intervalMs: 20 });
  const stream = host.ask('flood');
  await eventually('the window is used up', () => host.received(stream).length === RELAY_WINDOW_BYTES);
  // What the engine could write into buffers on the way, some hundred kB a hop, is bounded: it waits.
  await host.engine.says('stuck after');
  expect(host.received(stream).length).toBe(RELAY_WINDOW_BYTES);
  expect((await host.answer(host.ask('stream'))).text).toBe(STREAMED);
  const before = host.hub.snapshots.length;
  await host.hub.heard(before + 5);

  host.grant(stream, 1000);
  await eventually(
    'as much again as was granted',
    () => host.received(stream).length === RELAY_WINDOW_BYTES + 1000,
  );
});

test('heartbeats pass while streams carry all they can', async () => {
  const host = await Relaying.linked({ intervalMs: 20 });
  const streams = Array.from({ length: 4 }, () => host.ask('flood'));
  const reading = setInterval(() => {
    for (const stream of streams) host.grant(stream, RELAY_WINDOW_BYTES);
  }, 10);
  onTestFinished(() => clearInterval(reading));
  // They take turns: none waits for the others to end.
  await eventually('more of each than its window', () =>
    streams.every((stream) => host.received(stream).length > RELAY_WINDOW_BYTES),
  );
  const before = host.hub.snapshots.length;
  await expect(host.hub.heard(before + 20)).resolves.toBeUndefined();
});

test('a question for a sign of life is answered, also without any request', async () => {
  const host = await Relaying.linked();
  host.hub.sendRecords({ kind: 'probe' });
  await eventually('a sign of life', () => host.hub.records.length > 0);
  expect(host.hub.records).toEqual([{ kind: 'alive' }]);
});

test.each([
  ['not signed', 'bad-signature', { signature: 'AAAA' }],
  ['changed after it was signed', 'bad-signature', { path: '/v1/models' }],
] as const)('an opening that was %s is refused', async (_what, reason, change) => {
  const host = await Relaying.linked();
  const open = { ...host.opening(), ...change };
  host.hub.send(open);
  expect((await host.answer(open.stream)).end).toBe(reason);
  expect(host.engine.lines.filter((line) => line.startsWith('asked'))).toEqual([]);
});

test('an opening that is late, or comes again, is refused', async () => {
  const host = await Relaying.linked();
  const late = host.opening({ expires_at: new Date(Date.now() - 60_000).toISOString() });
  host.hub.send(late);
  expect((await host.answer(late.stream)).end).toBe('expired');

  const stream = host.ask('stream', { id: 'gpu-01:act-once' });
  expect((await host.answer(stream)).end).toBe('ok');
  const again = host.opening({ id: 'gpu-01:act-once' });
  host.hub.send(again);
  expect((await host.answer(again.stream)).end).toBe('repeated');
});

test('bytes for a stream that is not there, and noise, move nothing', async () => {
  const host = await Relaying.linked();
  host.hub.sendRecords({ kind: 'chunk', stream: 77, payload: Buffer.from('x'), isLast: true });
  host.hub.send({ type: 'relay.cancel', stream: 78 });
  expect((await host.answer(host.ask('stream'))).end).toBe('ok');
});

test('a cancel before any answer reaches the engine too', async () => {
  const host = await Relaying.linked();
  const length = String(Buffer.byteLength(JSON.stringify({ model: 'm', do: 'silent' })));
  const headers = { 'content-type': 'application/json', 'content-length': length };
  const stream = host.ask('silent', { headers });
  await host.engine.says('asked silent');
  host.hub.send({ type: 'relay.cancel', stream });
  expect(await host.engine.says('aborted')).toBe('aborted');
});

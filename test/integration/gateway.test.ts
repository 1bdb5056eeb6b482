// The gateway between real sockets: what a client sends reaches an engine, what an engine answers reaches the client, and
// the end of either is the end of both.

import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import * as v from 'valibot';
import { ProblemSchema } from '../../contract/problem.ts';
import { Gateway } from '../../reporter/gateway/gateway.ts';
import type { Routable } from '../../reporter/gateway/routable.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { Door, Engine, type Answer } from '../support/gateway.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { model, routable } from '../support/routable.ts';

const EchoSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    method: v.string(),
    url: v.string(),
    headers: v.record(v.string(), v.string()),
    body: v.string(),
  }),
);

/** What the engine got. */
function echoed(answer: Answer) {
  const { body, ...head } = v.parse(EchoSchema, answer.body);
  return { ...head, body: Buffer.from(body, 'base64') };
}

function expectProblem(answer: Answer, status: number, detail: string | RegExp): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  const document = v.parse(
    v.looseObject({ ...ProblemSchema.entries, error: v.object({ message: v.string() }) }),
    JSON.parse(answer.body),
  );
  expect(document.status).toBe(status);
  expect(document.detail).toMatch(detail);
  expect(document.error.message).toBe(document.detail);
}

describe('bytes', () => {
  test('a stream arrives byte for byte, with who answered', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const answer = await door.ask({ model: 'm', do: 'stream' });
    expect(answer).toMatchObject({ status: 200, complete: true });
    expect(answer.body).toBe('data: {"a":1}\n\ndata: ünïcode 😀\n\n: comment\r\n\r\ndata: [DONE]\n\n');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'x-engine': 'fixture',
      'x-arw-runtime': 'a',
    });
    expect(await door.counted(1)).toMatchObject({
      routes: 1,
      errors: 0,
      avg_ewma_ms: expect.any(Number),
      ttft_ewma_ms: expect.any(Number),
    });
  });

  test('a body goes on as it came; its credentials do not', async () => {
    const engine = await Engine.start();
    const own = { origin: `http://127.0.0.1:${engine.port}`, headers: { authorization: 'Bearer engine' } };
    const door = await Door.open([engine.runtime('a', { endpoint: own })]);
    const body = Buffer.from(' {"messages" : [],\n "model":"m", "x":"\\u00e9" } ');
    const answer = await door.ask(body, {
      path: '/v1/completions?x=1',
      headers: { authorization: 'Bearer client', 'content-type': 'application/json', 'x-mine': '1' },
    });
    expect(echoed(answer)).toMatchObject({
      method: 'POST',
      url: '/v1/completions?x=1',
      headers: { authorization: 'Bearer engine', 'x-mine': '1', 'content-length': String(body.length) },
      body,
    });
  });

  test.each([
    ['/api', '/api/v1/completions?x=/v1'],
    ['/api/', '/api/v1/completions?x=/v1'],
    ['/', '/v1/completions?x=/v1'],
  ])('below the path %s of an endpoint', async (base, url) => {
    const engine = await Engine.start();
    const endpoint = { origin: `http://127.0.0.1:${engine.port}${base}`, headers: {} };
    const door = await Door.open([engine.runtime('a', { endpoint })]);
    expect(echoed(await door.ask({ model: 'm' }, { path: '/v1/completions?x=/v1' })).url).toBe(url);
  });

  test('another name for a model is replaced by the one that its server knows', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a', { models: [model('/models/Größe.gguf')] })]);
    const { body, headers } = echoed(await door.ask({ x: 1, model: 'a/Größe', y: 2 }));
    expect(JSON.parse(body.toString())).toEqual({ x: 1, model: '/models/Größe.gguf', y: 2 });
    expect(headers['content-length']).toBe(String(body.length));
  });

  test.each([
    ['with its length', {}],
    ['in chunks', { 'transfer-encoding': 'chunked' }],
    ['after 100 Continue', { expect: '100-continue' }],
  ])('a large body %s', async (_, headers) => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const body = Buffer.from(JSON.stringify({ model: 'a', prompt: 'x'.repeat(8 * 1024 * 1024) }));
    const got = echoed(await door.ask(body, { headers })).body;
    expect(JSON.parse(got.toString())).toEqual({ ...JSON.parse(body.toString()), model: 'm' });
  });

  test('a form', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a'), routable('other')]);
    const form = Buffer.from(
      `--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n${'\0ÿ'.repeat(100_000)}\r\n` +
        '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n',
    );
    const headers = { 'content-type': 'multipart/form-data; boundary=b' };
    const answer = await door.ask(form, { path: '/v1/audio/transcriptions', headers });
    expect(echoed(answer).body.equals(form)).toBe(true);
  });

  test('an HTTP/1.0 client, which knows no chunks', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const body = '{"do":"stream"}';
    const { text, reset } = await door.raw(
      `POST /v1/completions HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(text).toMatch(/\r\n\r\ndata: \{"a":1\}\n\ndata: .*data: \[DONE\]\n\n$/s);
    expect(reset).toBe(false);
  });

  test('a slow reader slows the engine down, and nothing is kept for it', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const answer = await door.begin({ do: 'flood' });
    answer.pause();
    const written = Number((await engine.says('stuck after')).split(' ').at(-1));
    // What the buffers of four sockets hold.
    expect(written).toBeLessThan(32 * 1024 * 1024);
    answer.on('error', () => undefined);
    answer.destroy();
    await engine.says('aborted');
  });

  test('a connection of a client serves one request after the other', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const body = '{"do":"stream"}';
    const ask = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n`;
    const { text } = await door.raw(
      `${ask}\r\n${body}${ask}\r\n${body}${ask}Connection: close\r\n\r\n${body}`,
    );
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    expect(await door.counted(3)).toMatchObject({ errors: 0 });
  });
});

describe('the end of either side', () => {
  test.each(['hang', 'silent', 'head-only'])(
    'a client that goes away: the engine hears of it (%s)',
    async (order) => {
      const engine = await Engine.start();
      const door = await Door.open([engine.runtime('a')]);
      const socket = connect(door.port, '127.0.0.1');
      const body = JSON.stringify({ do: order });
      socket.write(
        `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      await engine.says(`asked ${order}`);
      if (order === 'hang') await once(socket, 'data');
      socket.destroy();
      await engine.says('aborted');
      // It is nobody's error, and its time says nothing of the engine.
      const block = await door.counted(1);
      expect(block).toMatchObject({ errors: 0, inflight: 0 });
      expect(block).not.toHaveProperty('avg_ewma_ms');
    },
  );

  test('an engine that dies within its answer: the client sees a broken one, never an end', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const answer = await door.ask({ do: 'die-within' });
    expect(answer).toMatchObject({ status: 200, body: 'data: first\n\n', complete: false });
    expect(await door.counted(1)).toMatchObject({ errors: 1 });
  });

  test('so does an HTTP/1.0 client, for whom an end is the end of the connection', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const body = '{"do":"die-within"}';
    const { text, reset } = await door.raw(
      `POST /v1/completions HTTP/1.0\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(text).toContain('data: first');
    expect(reset).toBe(true);
  });

  test('an engine that dies before its answer: 502, and the request is not sent again', async () => {
    const [first, second] = [await Engine.start(), await Engine.start()];
    const door = await Door.open([first.runtime('a'), second.runtime('b')]);
    expectProblem(
      await door.ask({ model: 'm', do: 'die-before' }),
      502,
      /^a did not answer: it closed the connection/,
    );
    expect(second.lines).not.toContain('asked die-before');
    expect(await door.counted(1)).toMatchObject({ errors: 1 });
  });

  test('an engine that dies while a client waits for it: 502', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const asked = door.ask({ do: 'silent' });
    await engine.says('asked silent');
    await engine.stop();
    const answer = await asked;
    expectProblem(answer, 502, /^a did not answer/);
    expect(await door.counted(1)).toMatchObject({ errors: 1 });
  });

  test.each(['status-too-low', 'status-zero', 'switch-protocols'])(
    'an answer that cannot be passed on: 502, and the next request is served (%s)',
    async (order) => {
      const engine = await Engine.start();
      const door = await Door.open([engine.runtime('a')]);
      expectProblem(await door.ask({ do: order }), 502, /^a did not answer: /);
      expect((await door.ask({ do: 'stream' })).status).toBe(200);
      expect(await door.counted(2)).toMatchObject({ errors: 1, inflight: 0 });
    },
  );

  test('the words beside a status are our own', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const answer = await door.begin({ do: 'odd-reason' });
    expect([answer.statusCode, answer.statusMessage]).toEqual([200, 'OK']);
    answer.resume();
    expect(await door.counted(1)).toMatchObject({ errors: 0 });
  });

  test('what an engine answers is passed on, errors too', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    expect(await door.ask({ do: 'fail' })).toMatchObject({ status: 500, body: '{"error":"out of memory"}' });
    expect(await door.ask({ do: 'refuse' })).toMatchObject({ status: 400, body: '{"error":"no"}' });
    // A client's own mistake is no error of the node.
    expect(await door.counted(2)).toMatchObject({ errors: 1, error_rate: 0.5 });
  });
});

describe('where it goes', () => {
  test('by model, to the runtime with the fewest requests under way', async () => {
    const [first, second, other] = [await Engine.start(), await Engine.start(), await Engine.start()];
    const door = await Door.open([
      first.runtime('a'),
      second.runtime('b'),
      other.runtime('c', { models: [model('n')] }),
    ]);
    const held = await door.begin({ model: 'm', do: 'hang' });
    expect(held.headers['x-arw-runtime']).toBe('a');
    expect((await door.ask({ model: 'm' })).headers['x-arw-runtime']).toBe('b');
    expect((await door.ask({ model: 'n' })).headers['x-arw-runtime']).toBe('c');
    held.on('error', () => undefined);
    held.destroy();
    await first.says('aborted');
    await door.counted(3);
    expect((await door.ask({ model: 'm' })).headers['x-arw-runtime']).toBe('a');
  });

  test('nobody listens: the next one with the model, else 503', async () => {
    const engine = await Engine.start();
    const gone = routable('a', {
      models: [model('m')],
      endpoint: { origin: `http://127.0.0.1:${await freePort()}`, headers: {} },
    });
    const door = await Door.open([gone, engine.runtime('b')]);
    // As large as no socket takes at once: what was not sent to the first is whole for the second.
    const body = { model: 'm', prompt: 'x'.repeat(4 * 1024 * 1024) };
    const answer = await door.ask(body);
    expect(answer.headers['x-arw-runtime']).toBe('b');
    expect(JSON.parse(echoed(answer).body.toString())).toEqual(body);
    door.runtimes = [gone];
    const refused = await door.ask({ model: 'm' });
    expectProblem(refused, 503, 'Nothing could be sent (a: connection refused)');
    expect(refused.headers['retry-after']).toBe('5');
  });

  test('one that began to drain while another was tried gets nothing', async () => {
    const engine = await Engine.start();
    const endpoint = { origin: `http://127.0.0.1:${await freePort()}`, headers: {} };
    const gone = engine.runtime('a', { endpoint });
    let looks = 0;
    const runtimes = (): Routable[] => [gone, engine.runtime('b', { accepting: (looks += 1) === 1 })];
    const door = await Door.open([], { runtimes });
    expectProblem(await door.ask({ model: 'm' }), 503, /\(a: connection refused; b: takes no new work\)/);
    expect(engine.lines.filter((line) => line.startsWith('asked'))).toEqual([]);
  });

  test.each([
    ['at once', ''],
    ['later', 'x'.repeat(1024 * 1024)],
  ])('elsewhere nothing is bought by a second name: what comes %s is refused', async (_, prompt) => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('cloud', { isElsewhere: true })]);
    const body = (second: string): string => `{"model":"m","prompt":"${prompt}","${second}":"dear"}`;
    for (const second of ['model', 'mod\\u0065l', 'Model']) {
      expectProblem(await door.ask(body(second)), 400, /^The body names "model" more than once/);
    }
    expect(engine.lines.filter((line) => line.startsWith('asked'))).toEqual([]);
    expect((await door.ask(body('user'))).headers['x-arw-runtime']).toBe('cloud');
    // On this host a body is the client's own business.
    door.runtimes = [engine.runtime('a')];
    expect((await door.ask(body('model'))).status).toBe(200);
  });

  test('unknown, draining, starting, unnamed', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    expectProblem(
      await door.ask({ model: 'mm' }),
      404,
      'No runtime of this node serves "mm"; closest are m, a',
    );
    door.runtimes = [engine.runtime('a', { accepting: false })];
    expectProblem(await door.ask({ model: 'm' }), 503, 'a: Ready, but takes no new work');
    door.runtimes = [engine.runtime('a', { state: 'starting', accepting: false, summary: 'Loading model' })];
    const starting = await door.ask({ model: 'm' });
    expectProblem(starting, 503, 'a: Loading model');
    expect(starting.headers['retry-after']).toBe('5');
    door.runtimes = [engine.runtime('a'), engine.runtime('b')];
    expectProblem(await door.ask({ prompt: 'x' }), 400, /name one in "model" \(m, a, b\)/);
    // A 503 is an error of the node, a 4xx is none.
    expect(await door.counted(4)).toMatchObject({ errors: 2 });
    expect(engine.lines.filter((line) => line.startsWith('asked'))).toEqual([]);
  });
});

describe('who may, and what there is', () => {
  test('a name that points here, a foreign page, a missing key', async () => {
    const settings = { port: 0, apiKey: 'secret' };
    const door = await Door.open([], { settings });
    const key = { authorization: 'Bearer secret' };
    expectProblem(
      await door.ask('', { headers: { host: 'evil.example:8780', ...key } }),
      421,
      /ask it as 127\.0\.0\.1/,
    );
    expectProblem(
      await door.ask('', { headers: { origin: 'https://evil.example', ...key } }),
      403,
      /evil\.example/,
    );
    expectProblem(await door.ask(''), 401, /Authorization: Bearer/);
    expect((await door.ask('', { method: 'GET', path: '/v1/models', headers: key })).status).toBe(200);
  });

  test.each([
    ['GET', '/v1/chat/completions', 405, 'POST'],
    ['OPTIONS', '/v1/chat/completions', 405, 'POST'],
    ['POST', '/v1/models', 405, 'GET'],
    ['GET', '/', 404, undefined],
    ['DELETE', '/v1/nothing', 404, undefined],
  ])('%s %s is %i', async (method, path, status, allow) => {
    const door = await Door.open([]);
    const answer = await door.ask('', { method, path });
    expectProblem(answer, status, status === 404 ? /^This gateway serves / : /is asked with/);
    expect(answer.headers.allow).toBe(allow);
  });

  test('HEAD is answered without a body', async () => {
    const door = await Door.open([]);
    expect(await door.ask('', { method: 'HEAD', path: '/v1/models' })).toMatchObject({
      status: 405,
      body: '',
    });
  });

  test('a body that is too large is refused before it is sent', async () => {
    const door = await Door.open([routable('a')]);
    const head = `POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${65 * 1024 * 1024}\r\n`;
    const { text } = await door.raw(`${head}Expect: 100-continue\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).not.toContain('100 Continue');
  });

  test('and while it comes, where it does not say its length', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const body = Buffer.from(`{"model":"m","prompt":"${'x'.repeat(65 * 1024 * 1024)}"}`);
    const answer = await door.ask(body, { headers: { 'transfer-encoding': 'chunked' } });
    expectProblem(answer, 413, 'A body may have 64 MiB; send less');
    expect(engine.lines).not.toContain('asked echo');
  });

  test('what all requests hold together is bounded, and is given back', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')], { heldMaxBytes: 1024 * 1024 });
    const late = { prompt: 'x'.repeat(700 * 1024), model: 'm' };
    expect((await door.ask(late)).status).toBe(200);
    await door.counted(1);
    const held = await door.begin({ ...late, do: 'hang' });
    const refused = await door.ask(late);
    expectProblem(refused, 503, /ask again, with "model" at the start of the body$/);
    expect(refused.headers['retry-after']).toBe('1');
    // What names its model early is not held.
    expect((await door.ask({ model: 'm', prompt: 'x'.repeat(2 * 1024 * 1024) })).status).toBe(200);
    held.on('error', () => undefined).destroy();
    await door.counted(4);
    expect((await door.ask(late)).status).toBe(200);
  });

  test('what is no HTTP is told so', async () => {
    const door = await Door.open([]);
    const { text } = await door.raw('hello\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/);
  });
});

describe('its life', () => {
  test('a port that is taken: told once, and taken over when it is free', async () => {
    const port = await freePort();
    const stranger = createServer().listen(port, '127.0.0.1');
    await once(stranger, 'listening');
    const log = new RecordedLog();
    const settings = { port, apiKey: undefined };
    const gateway = Gateway.open({ settings, runtimes: () => [], log, retryListenMs: 20 });
    onTestFinished(() => gateway.stop());
    const note = `Gateway closed: port ${port} is taken; free it, or set gateway.port in the manifest`;
    await eventually('it says so', () => gateway.notes().length > 0);
    expect(gateway.notes()).toEqual([note]);
    expect(gateway.url).toBeUndefined();
    stranger.close();
    await eventually('it listens', () => gateway.url);
    expect(gateway.notes()).toEqual([]);
    expect(log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  test('at its end an answer under way ends first, and nothing new is taken', async () => {
    const engine = await Engine.start();
    const door = await Door.open([engine.runtime('a')]);
    const { port } = door;
    const held = await door.begin({ do: 'hang' });
    let closed = false;
    held
      .on('error', () => undefined)
      .on('close', () => (closed = true))
      .resume();
    const stopped = door.gateway.stop();
    const late = connect(port, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toThrow('ECONNREFUSED');
    expect(closed).toBe(false);
    await stopped;
    await engine.says('aborted');
    expect(held.complete).toBe(false);
    // It was ours to end it, and the engine did nothing wrong.
    expect(await door.counted(1)).toMatchObject({ errors: 0 });
  });

  test('a connection that idles does not hold it', async () => {
    const door = await Door.open([]);
    const idle = connect(door.port, '127.0.0.1');
    await once(idle, 'connect');
    idle.write('GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(idle, 'data');
    await door.gateway.stop();
    await eventually('the connection is closed', () => idle.destroyed);
    expect(door.gateway.url).toBeUndefined();
  });
});

/** The stub engine: its bodies have the shape of the real server's, and each ordered fault happens. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort, startEngine, type EngineProcess } from '../support/engine-process.ts';
import { keyShape } from '../support/key-shape.ts';
import { sseData } from '../support/sse.ts';

const STUB = fileURLToPath(new URL('../../scripts/engine/stub-llama-server.ts', import.meta.url));
const TIMEOUT_MS = 10_000;

const capture = (name: string): Promise<string> =>
  readFile(new URL(`../fixtures/llama-server/${name}`, import.meta.url), 'utf8');
const captureShape = async (name: string): Promise<unknown> => keyShape(JSON.parse(await capture(name)));

function startStub(...flags: string[]): EngineProcess {
  return startEngine(process.execPath, [
    STUB,
    '-m',
    'models/tiny.gguf',
    '--port',
    '0',
    '--metrics',
    ...flags,
  ]);
}

async function readyStub(...flags: string[]): Promise<{ stub: EngineProcess; url: string }> {
  const stub = startStub(...flags);
  return { stub, url: await stub.ready() };
}

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return { status: response.status, text: await response.text() };
}
const getJson = async (url: string): Promise<unknown> => JSON.parse((await get(url)).text);

function post(url: string, body: unknown, signal = AbortSignal.timeout(TIMEOUT_MS)): Promise<Response> {
  return fetch(url, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), signal });
}

/** Asks again until the answer is as awaited: for what another connection does, which sends no event here. */
async function askUntil<T>(question: () => Promise<T>, isAwaited: (answer: T) => boolean): Promise<T> {
  let answer = await question();
  while (!isAwaited(answer)) answer = await question();
  return answer;
}

const chat = (extra: object = {}): object => ({
  messages: [{ role: 'user', content: 'say something' }],
  ...extra,
});

/** Starts a stream and resolves once its first bytes are there, so its slot is busy by then. */
async function openChatStream(url: string): Promise<{ abort: () => void }> {
  const controller = new AbortController();
  const body = chat({ stream: true, ignore_eos: true });
  const response = await post(`${url}/v1/chat/completions`, body, controller.signal);
  const reader = response.body?.getReader();
  await reader?.read();
  return { abort: () => controller.abort() };
}

/** Name → value of each sample of a Prometheus text. */
function samples(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value)]),
  );
}
/** A line of the log without its time, and with the name of the stub's model. */
const messageOf = (line: string): string =>
  line.replace(/^\S+ /, '').replaceAll('nope.gguf', 'models/tiny.gguf');
const comments = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('#'));

describe('bodies', () => {
  test('health, models and props have the keys of the real ones, and say stub', async () => {
    const { url } = await readyStub('-c', '512');

    const models = await getJson(`${url}/v1/models`);
    const props = await getJson(`${url}/props`);

    expect(await get(`${url}/health`)).toEqual({ status: 200, text: await capture('health.ok.200.json') });
    expect(keyShape(models)).toEqual(await captureShape('models.json'));
    expect(await getJson(`${url}/models`)).toEqual(models);
    expect(models).toMatchObject({
      data: [{ id: 'stub:tiny.gguf', owned_by: 'stub', meta: { n_ctx: 512 } }],
    });
    expect(keyShape(props)).toEqual(await captureShape('props.json'));
    expect(props).toMatchObject({
      build_info: 'stub',
      model_ftype: 'stub',
      is_sleeping: false,
      total_slots: 4,
    });
  });

  test('an alias is the name of the model, as a gateway needs it', async () => {
    const { url } = await readyStub('--alias', 'tiny', '-np', '2', '-c', '1024');

    expect(await getJson(`${url}/v1/models`)).toMatchObject({ data: [{ id: 'tiny', owned_by: 'stub' }] });
    expect(await getJson(`${url}/slots`)).toMatchObject([{ n_ctx: 512 }, { n_ctx: 512 }]);
  });

  test('slots: fresh, busy and used again idle', async () => {
    const { url } = await readyStub('--tokens-per-second', '50', '-c', '100000');
    expect(keyShape(await getJson(`${url}/slots`))).toEqual(await captureShape('slots.fresh.json'));

    const stream = await openChatStream(url);
    const busy = await getJson(`${url}/slots`);
    expect(keyShape(busy)).toEqual(await captureShape('slots.busy.json'));
    expect(busy).toMatchObject([{ is_processing: true }, { is_processing: false }, {}, {}]);
    stream.abort();

    const idle = await askUntil(
      () => getJson(`${url}/slots`),
      (slots) => !JSON.stringify(slots).includes('"is_processing":true'),
    );
    expect(keyShape(idle)).toEqual(await captureShape('slots.idle.json'));
    expect(idle).toMatchObject([1, 2, 3, 4].map(() => ({ is_processing: false })));
  });

  test('chat and completion, whole', async () => {
    const { url } = await readyStub();

    const chatBody = await (await post(`${url}/v1/chat/completions`, chat({ max_tokens: 3 }))).json();
    const textBody = await (await post(`${url}/v1/completions`, { prompt: 'say', max_tokens: 3 })).json();

    expect(keyShape(chatBody)).toEqual(await captureShape('chat.completion.json'));
    expect(chatBody).toMatchObject({
      choices: [{ finish_reason: 'length', message: { content: ' the stub engine' } }],
      system_fingerprint: 'stub',
      usage: { completion_tokens: 3 },
    });
    expect(keyShape(textBody)).toEqual(await captureShape('text.completion.json'));
  });

  test.each([
    ['chat.stream.sse', '/v1/chat/completions', chat({ max_tokens: 4, stream: true })],
    [
      'chat.stream.usage.sse',
      '/v1/chat/completions',
      chat({ max_tokens: 3, stream: true, stream_options: { include_usage: true } }),
    ],
    ['text.stream.sse', '/v1/completions', { prompt: 'hello', max_tokens: 3, stream: true }],
  ])('a stream has the events of %s', async (name, path, body) => {
    const { url } = await readyStub();

    const response = await post(`${url}${path}`, body);

    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = sseData(await response.text());
    expect(events.map(keyShape)).toEqual(sseData(await capture(name)).map(keyShape));
  });

  test('the same text every time; without a limit it ends by itself', async () => {
    const { url } = await readyStub('--tokens-per-second', '1000');
    const answer = async (): Promise<unknown> => {
      const body: unknown = await (await post(`${url}/v1/chat/completions`, chat())).json();
      return body;
    };

    const first = await answer();

    const text = ' the stub engine gives every prompt this same answer and computes nothing at all';
    expect(first).toMatchObject({ choices: [{ finish_reason: 'stop', message: { content: text } }] });
    expect(await answer()).toMatchObject({ choices: [{ message: { content: text } }] });
  });

  test('metrics: names and help of the real ones; counters move, gauges start anew at each read', async () => {
    const { url } = await readyStub();
    const before = await get(`${url}/metrics`);
    await (await post(`${url}/v1/chat/completions`, chat({ max_tokens: 5 }))).text();
    const after = samples((await get(`${url}/metrics`)).text);
    const again = samples((await get(`${url}/metrics`)).text);

    expect(comments(before.text)).toEqual(comments(await capture('metrics.txt')));
    expect(samples(before.text)['llamacpp:tokens_predicted_total']).toBe(0);
    expect(after).toMatchObject({
      'llamacpp:tokens_predicted_total': 5,
      'llamacpp:n_decode_total': 5,
      'llamacpp:requests_processing': 0,
      'llamacpp:n_busy_slots_per_decode': 1,
    });
    expect(after['llamacpp:prompt_tokens_total']).toBeGreaterThan(0);
    expect(after['llamacpp:predicted_tokens_seconds']).toBeGreaterThan(0);
    expect(again).toMatchObject({
      'llamacpp:tokens_predicted_total': 5,
      'llamacpp:predicted_tokens_seconds': 0,
      'llamacpp:prompt_tokens_seconds': 0,
    });
  });

  test('more generations than slots wait, and are counted as deferred', async () => {
    const { url } = await readyStub('-np', '1', '--tokens-per-second', '20');
    const stream = await openChatStream(url);
    const waiting = post(`${url}/v1/chat/completions`, chat({ max_tokens: 1 }));
    // The second request is on its own connection: ask until it has arrived.
    let deferred: number | undefined;
    while (deferred !== 1)
      deferred = samples((await get(`${url}/metrics`)).text)['llamacpp:requests_deferred'];
    stream.abort();

    expect((await waiting).status).toBe(200);
  });

  test('tokens come at the pace that was asked for', async () => {
    const { url } = await readyStub('--tokens-per-second', '200');
    const startedMs = performance.now();

    await (await post(`${url}/v1/chat/completions`, chat({ max_tokens: 40, ignore_eos: true }))).text();

    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(195);
  });

  test.each([
    ['/v1/chat/completions', '{"messages":', 400, 'invalid_request_error'],
    ['/v1/chat/completions', '{}', 400, 'invalid_request_error'],
    ['/v1/completions', '[]', 400, 'invalid_request_error'],
    ['/nope', '{}', 404, 'not_found_error'],
  ])('POST %s with %s answers %i', async (path, body, code, type) => {
    const { url } = await readyStub();

    const response = await post(`${url}${path}`, body);

    expect(response.status).toBe(code);
    expect(await response.json()).toMatchObject({ error: { code, type } });
  });

  test('what was not switched on, or was switched off, answers 501', async () => {
    const stub = startEngine(process.execPath, [STUB, '--port', '0', '--no-slots']);
    const url = await stub.ready();

    expect(await get(`${url}/metrics`)).toMatchObject({
      status: 501,
      text: expect.stringContaining('--metrics'),
    });
    expect(await get(`${url}/slots`)).toMatchObject({
      status: 501,
      text: expect.stringContaining('--slots'),
    });
  });
});

describe('life', () => {
  test('while it loads every path answers 503, and SIGTERM kills', async () => {
    const port = await freePort();
    const stub = startEngine(process.execPath, [STUB, '--port', String(port), '--load-ms', '600000']);
    await stub.line('loading model');

    for (const path of ['/health', '/v1/models', '/props', '/slots', '/metrics', '/nope']) {
      const { status, text } = await get(`http://127.0.0.1:${port}${path}`);
      expect(status).toBe(503);
      expect(text).toBe('{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}');
    }
    stub.kill('SIGTERM');
    expect(await stub.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  test('SIGTERM ends it with 0 and the line of the real one, also while it generates', async () => {
    const { stub, url } = await readyStub('--tokens-per-second', '10');
    await openChatStream(url);

    stub.kill('SIGTERM');

    expect(await stub.exited).toEqual({ code: 0, signal: null });
    expect(stub.log()).toContain('operator(): cleaning up before exit...');
  });

  test('a port that is taken ends it with 1 and the words of the real one', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void holder.close());
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;

    const stub = startEngine(process.execPath, [STUB, '--port', String(port)]);

    expect(await stub.exited).toEqual({ code: 1, signal: null });
    const said = `start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: `;
    expect(await capture('stderr.port-in-use.log')).toContain(said);
    expect(stub.log()).toContain(`${said}${port}`);
  });

  test('unknown flags are named and ignored; a wrong number ends it with 1', async () => {
    const { stub } = await readyStub('-ngl', '-1', '--jinja', '--cache-type-k', 'f16');
    const wrong = startStub('--parallel', 'many');

    expect(stub.log()).toContain('ignoring -ngl -1');
    expect(stub.log()).toContain('ignoring --jinja\n');
    expect(stub.log()).toContain('ignoring --cache-type-k f16');
    expect(await wrong.exited).toEqual({ code: 1, signal: null });
    expect(wrong.log()).toContain('"--parallel": not a number: many');
  });
});

describe('faults', () => {
  test('--fail-load prints what the real one prints for a bad model, and exits 1', async () => {
    const stub = startStub('--fail-load');

    expect(await stub.exited).toEqual({ code: 1, signal: null });
    const real = new Set((await capture('stderr.bad-model.log')).split('\n').map(messageOf));
    const own = stub
      .log()
      .split('\n')
      .map(messageOf)
      .filter((line) => !line.includes('stub'));
    expect(own.filter((line) => !real.has(line))).toEqual([]);
    expect(own.at(-1)).toBe('E srv  llama_server: exiting due to model loading error');
  });

  test('--exit-after-ms with --exit-code', async () => {
    const stub = startStub('--exit-after-ms', '1', '--exit-code', '134');
    await stub.ready();

    expect(await stub.exited).toEqual({ code: 134, signal: null });
  });

  test('--ignore-sigterm: only SIGKILL ends it', async () => {
    const { stub, url } = await readyStub('--ignore-sigterm');

    stub.kill('SIGTERM');
    await stub.line('ignoring SIGTERM');
    expect((await get(`${url}/health`)).status).toBe(200);
    stub.kill('SIGKILL');
    expect(await stub.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('--hang-after-ready: says ok once, then answers nothing', async () => {
    const { url } = await readyStub('--hang-after-ready');
    expect((await get(`${url}/health`)).status).toBe(200);

    for (const [path, times] of [
      ['/health', 2],
      ['/slots', 1],
      ['/v1/models', 1],
    ] as const) {
      const gone = new AbortController();
      let isAnswered = false;
      const answer = fetch(`${url}${path}`, { signal: gone.signal }).finally(() => (isAnswered = true));
      const told = await askUntil(
        () => getJson(`${url}/__stub`),
        (seen) => Object(seen).asked[path] === times,
      );
      expect(told).toMatchObject({ phase: 'hanging' });
      // What was asked later is answered, this is not.
      await get(`${url}/__stub`);
      expect(isAnswered).toBe(false);
      gone.abort();
      await expect(answer).rejects.toThrow(/abort/i);
    }
  });

  test('--health-status', async () => {
    const { url } = await readyStub('--health-status', '500');

    expect(await get(`${url}/health`)).toMatchObject({
      status: 500,
      text: expect.stringContaining('"code":500'),
    });
    expect((await get(`${url}/props`)).status).toBe(200);
  });

  test('--decode-stall: the slot stays busy and nothing decodes, though the client has gone', async () => {
    const { url } = await readyStub('--decode-stall');
    const controller = new AbortController();
    const answer = post(`${url}/v1/chat/completions`, chat(), controller.signal);
    await askUntil(
      () => getJson(`${url}/slots`),
      (slots) => JSON.stringify(slots).includes('"is_processing":true'),
    );
    controller.abort();
    await expect(answer).rejects.toThrow(/abort/i);

    const slots = await getJson(`${url}/slots`);
    expect(slots).toMatchObject([{ is_processing: true, next_token: [{ n_decoded: 0 }] }, {}, {}, {}]);
    const metrics = samples((await get(`${url}/metrics`)).text);
    expect(metrics).toMatchObject({ 'llamacpp:requests_processing': 1, 'llamacpp:n_decode_total': 0 });
  });

  test('--sleeping: only /slots and generations wake it, and what was asked is on record', async () => {
    const { stub, url } = await readyStub('--sleeping');
    for (const path of ['/health', '/props', '/v1/models', '/metrics']) await get(`${url}${path}`);

    expect(await getJson(`${url}/props`)).toMatchObject({ is_sleeping: true });
    expect(await getJson(`${url}/__stub`)).toEqual({
      asked: { '/health': 1, '/props': 2, '/v1/models': 1, '/metrics': 1 },
      is_sleeping: true,
      phase: 'ready',
    });
    await get(`${url}/slots`);
    await stub.line('exiting sleeping state');
    expect(await getJson(`${url}/props`)).toMatchObject({ is_sleeping: false });
  });
});

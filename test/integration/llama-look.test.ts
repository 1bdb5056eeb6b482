// One look of the llama.cpp backend at a server that answers as a test wants: what is asked, with what, and what not.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { Backend } from '../../reporter/backends/backend.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { freePort } from '../support/engine-process.ts';
import { captured } from '../support/http-answers.ts';

type Answers = Record<string, { status?: number; body: string } | 'silence'>;

const SOUND: Answers = {
  '/health': { body: captured('health.ok.200.json') },
  '/props': { body: captured('props.json') },
  '/slots': { body: captured('slots.busy.json') },
  '/metrics': { body: captured('metrics.txt') },
  '/v1/models': { body: captured('models.json') },
};
const { signal } = new AbortController();

class Answering {
  readonly port: number;
  readonly asked: string[] = [];
  readonly keys = new Set<string>();
  answers: Answers;

  private constructor(port: number, answers: Answers) {
    this.port = port;
    this.answers = answers;
  }

  static async start(change: Answers = {}): Promise<Answering> {
    const port = await freePort();
    const answering = new Answering(port, { ...SOUND, ...change });
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      answering.asked.push(path);
      answering.keys.add(`${path} ${request.headers.authorization ?? 'no key'}`);
      const answer = answering.answers[path] ?? { status: 404, body: '{}' };
      if (answer !== 'silence') response.writeHead(answer.status ?? 200).end(answer.body);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    });
    return answering;
  }

  backend(args: readonly string[] = [], rest: Partial<RuntimeEntry> = {}): Backend {
    // Short only where a test is about silence.
    const isSilent = Object.values(this.answers).includes('silence');
    const timeout = isSilent ? 500 : 10_000;
    const health = { url: `http://127.0.0.1:${this.port}/health`, timeout_ms: timeout };
    const process = { args: ['--port', String(this.port), ...args], health };
    return makeBackend({ id: 'llama', adapter: 'llama.cpp', process, ...rest }, { llamaServer: 'x' });
  }
}

test('a sound server: its slots, its queue, its models', async () => {
  const server = await Answering.start();
  expect(await server.backend().observe(signal)).toEqual({
    kind: 'ready',
    health: { latency_ms: expect.any(Number), capacity: 4, inflight_jobs: 1, queued_jobs: 0 },
    models: [{ id: 'tiny.gguf', state: 'loaded', context: 512 }],
    sleeping: false,
    work: { kind: 'busy', slots: 1, mark: '0:16:1:343' },
    notes: [],
  });
});

test('pace comes with the second look, from the difference of the counters', async () => {
  const server = await Answering.start();
  const backend = server.backend();
  await backend.observe(signal);
  const later = captured('metrics.txt')
    .replace(/^(llamacpp:tokens_predicted_total) .*$/m, '$1 112')
    .replace(/^(llamacpp:tokens_predicted_seconds_total) .*$/m, '$1 2.002236');
  server.answers['/metrics'] = { body: later };
  expect(await backend.observe(signal)).toMatchObject({ health: { predicted_tokens_per_second: 50 } });
  // A new process has new counters.
  backend.reset(undefined);
  expect(await backend.observe(signal)).not.toHaveProperty('health.predicted_tokens_per_second');
});

test('models are asked for once in the life of a process', async () => {
  const server = await Answering.start();
  const backend = server.backend();
  await backend.observe(signal);
  await backend.observe(signal);
  expect(server.asked.filter((path) => path === '/v1/models')).toHaveLength(1);
  backend.reset(undefined);
  await backend.observe(signal);
  expect(server.asked.filter((path) => path === '/v1/models')).toHaveLength(2);
});

describe('what is unknown', () => {
  test('slots that time out behind a long decode are unknown; the server is ready all the same', async () => {
    const server = await Answering.start({ '/slots': 'silence', '/metrics': 'silence' });
    const seen = await server.backend().observe(signal);
    expect(seen).toMatchObject({
      kind: 'ready',
      health: { capacity: 4 },
      notes: ['Slots unknown (timeout after 500 ms)', 'Throughput unknown (timeout after 500 ms)'],
    });
    expect(seen).not.toHaveProperty('health.inflight_jobs');
    expect(seen).not.toHaveProperty('health.queued_jobs');
  });
  test.each<[string, Answers[string], string]>([
    ['refuses them', { status: 401, body: '{}' }, 'HTTP 401: the API key is missing in the manifest'],
    ['says nothing', 'silence', 'timeout after 500 ms'],
    ['says something else', { body: '<h1>Hello' }, 'no JSON'],
  ])(
    'a server that %s when asked for its properties is not asked what would wake it',
    async (_what, props, reason) => {
      const server = await Answering.start({ '/props': props });
      const seen = await server.backend().observe(signal);
      expect(seen).toMatchObject({
        kind: 'ready',
        notes: [expect.stringContaining(`Properties unknown (${reason}`)],
      });
      expect(server.asked).not.toContain('/slots');
      expect(server.asked).not.toContain('/metrics');
    },
  );
  test('a server without the endpoints is ready, and says what it does not tell', async () => {
    const off = { status: 501, body: '{}' };
    const server = await Answering.start({ '/slots': off, '/metrics': off, '/v1/models': off });
    expect(await server.backend().observe(signal)).toMatchObject({
      kind: 'ready',
      models: [],
      notes: ['Slots unknown (HTTP 501)', 'Throughput unknown (HTTP 501)', 'Models unknown (HTTP 501)'],
    });
  });
});

describe('what is not ready', () => {
  test.each<[string, Answers[string], object]>([
    [
      'loads',
      { status: 503, body: '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}' },
      { kind: 'loading', detail: 'Loading model' },
    ],
    ['fails', { status: 500, body: '' }, { kind: 'failing', reason: 'HTTP 500 instead of 2xx' }],
    ['hangs', 'silence', { kind: 'failing', reason: 'timeout after 500 ms' }],
  ])('a server that %s is asked for nothing else', async (_what, health, observation) => {
    const server = await Answering.start({ '/health': health });
    expect(await server.backend().observe(signal)).toEqual(observation);
    expect(server.asked).toEqual(['/health']);
  });
  test('nobody there: the reason in words', async () => {
    const entry: RuntimeEntry = {
      id: 'llama',
      adapter: 'llama.cpp',
      process: { args: ['--port', String(await freePort())] },
    };
    const seen = await makeBackend(entry, { llamaServer: 'x' }).observe(signal);
    expect(seen).toEqual({ kind: 'failing', reason: 'connection refused' });
  });
  test('a look that is no longer wanted ends', async () => {
    const server = await Answering.start({ '/health': 'silence' });
    const seen = await server.backend().observe(AbortSignal.abort());
    expect(seen).toEqual({ kind: 'failing', reason: 'the look was cancelled' });
  });
});

describe('where and with what it is asked', () => {
  test('with the key of the manifest, but for what is public', async () => {
    const server = await Answering.start();
    await server.backend(['--api-key', 'secret,other']).observe(signal);
    expect([...server.keys]).toContain('/slots Bearer secret');
    expect([...server.keys]).toContain('/props Bearer secret');
    expect([...server.keys]).toContain('/health no key');
  });
  test('on the port that the preset of the launch gives it', async () => {
    const server = await Answering.start();
    const entry: RuntimeEntry = {
      id: 'llama',
      adapter: 'llama.cpp',
      process: { args: ['--port', String(await freePort())] },
      presets: { moved: { args: ['--port', String(server.port)] } },
    };
    const backend = makeBackend(entry, { llamaServer: 'x' });
    expect(await backend.observe(signal)).toMatchObject({ kind: 'failing' });
    backend.reset('moved');
    expect(await backend.observe(signal)).toMatchObject({ kind: 'ready' });
    backend.reset(undefined);
    expect(await backend.observe(signal)).toMatchObject({ kind: 'failing' });
  });
});

describe('a router', () => {
  const ROUTER: Answers = {
    '/props': { body: '{"role":"router","max_instances":4}' },
    '/models': { body: captured('router.models.json') },
    '/slots?model=tiny-a&autoload=false': { body: captured('slots.busy.json') },
    '/metrics?model=tiny-a&autoload=false': { body: captured('metrics.txt') },
  };
  test('is asked of loaded models alone, and told to load none for it', async () => {
    const server = await Answering.start(ROUTER);
    const seen = await server.backend().observe(signal);
    expect(seen).toEqual({
      kind: 'ready',
      health: { latency_ms: expect.any(Number), capacity: 4, inflight_jobs: 1, queued_jobs: 0 },
      models: [
        { id: 'tiny-a', state: 'loaded', context: 2048 },
        { id: 'tiny-b', state: 'unloaded' },
      ],
      sleeping: false,
      work: { kind: 'busy', slots: 1, model: 'tiny-a', mark: 'tiny-a 0:16:1:343' },
      notes: [],
    });
    expect(server.asked.toSorted()).toEqual(['/health', ...Object.keys(ROUTER)].toSorted());
  });
  test('of which a model cannot be read has sums that are unknown, and says whose', async () => {
    const server = await Answering.start({ ...ROUTER, '/slots?model=tiny-a&autoload=false': 'silence' });
    const seen = await server.backend().observe(signal);
    expect(seen).toMatchObject({
      work: { kind: 'unknown' },
      notes: ['tiny-a: Slots unknown (timeout after 500 ms)'],
    });
    expect(seen).not.toHaveProperty('health.inflight_jobs');
  });
  test('of which many models failed names some, and counts the others', async () => {
    const status = { value: 'unloaded', failed: true, exit_code: 1 };
    const data = Array.from({ length: 7 }, (_, index) => ({ id: `m${index}`, status }));
    const server = await Answering.start({ ...ROUTER, '/models': { body: JSON.stringify({ data }) } });
    const seen = await server.backend().observe(signal);
    expect(seen).toMatchObject({ warning: '7 of 7 models failed' });
    expect('notes' in seen && seen.notes).toHaveLength(6);
    expect('notes' in seen && seen.notes.at(-1)).toBe('and 2 more');
  });
  test.each<[string, Answers, string]>([
    ['does not list its models', { '/models': 'silence' }, 'Models unknown (timeout after 500 ms)'],
    ['does not tell its properties', { '/props': 'silence' }, 'Properties unknown (timeout after 500 ms)'],
  ])('that %s is ready, and nothing else is asked', async (_what, change, note) => {
    const server = await Answering.start({ ...ROUTER, ...change });
    expect(await server.backend().observe(signal)).toMatchObject({
      kind: 'ready',
      models: [],
      notes: [note],
      work: { kind: 'unknown' },
    });
    expect(server.asked.filter((path) => path.includes('model='))).toEqual([]);
  });
});

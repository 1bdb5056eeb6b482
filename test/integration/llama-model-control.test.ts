// Loading and unloading at a router that answers as a test wants: what goes wrong, and how that is said.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { routerModelControl } from '../../reporter/backends/llama-model-control.ts';
import { freePort } from '../support/engine-process.ts';

type Status = { value: string; failed?: boolean; exit_code?: number };
const never = new AbortController().signal;

/** A router with one model, `tiny`, which is in each of these states at one look after the other. */
async function router(
  looks: readonly Status[],
  refusal?: { status: number; message: string },
  loadLimitSeconds = 60,
) {
  const left = [...looks];
  const asked: string[] = [];
  const port = await freePort();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (request.method === 'POST') {
      const body = refusal ? { error: { message: refusal.message } } : { success: true };
      response.writeHead(refusal?.status ?? 200).end(JSON.stringify(body));
      return;
    }
    const status = left.length > 1 ? left.shift() : left[0];
    response.end(JSON.stringify({ data: [{ id: 'tiny', aliases: ['small'], status }] }));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
  const address = { origin: `http://127.0.0.1:${port}`, headers: {}, timeoutMs: 10_000 };
  const unloaded: string[] = [];
  const onUnloaded = (model: string) => void unloaded.push(model);
  const control = routerModelControl({ address: () => address, loadLimitSeconds, onUnloaded });
  return { asked, unloaded, control };
}

test('an alias names a model too, and a load under way is only waited for', async () => {
  const { asked, control } = await router([{ value: 'loading' }, { value: 'loaded' }]);
  expect(await control.load('small', never)).toEqual({
    ok: true,
    result: { model: 'tiny', state: 'loaded' },
  });
  expect(asked).toEqual(['GET /models', 'GET /models']);
});

test('somebody else who loads it first is no fault', async () => {
  const refusal = { status: 400, message: 'model is already running' };
  const { control } = await router([{ value: 'unloaded' }, { value: 'loaded' }], refusal);
  expect(await control.load('tiny', never)).toMatchObject({ ok: true, result: { state: 'loaded' } });
});

test('a model that failed before is tried again', async () => {
  const { asked, control } = await router([
    { value: 'unloaded', failed: true, exit_code: 1 },
    { value: 'loading' },
    { value: 'loaded' },
  ]);
  expect(await control.load('tiny', never)).toMatchObject({ ok: true });
  expect(asked).toContain('POST /models/load');
});

test.each<[string, Status[], string, string, number?]>([
  [
    'fails',
    [{ value: 'unloaded' }, { value: 'loading' }, { value: 'unloaded', failed: true, exit_code: 137 }],
    'load-failed',
    "Model tiny failed to load (exit code 137); the runtime's log says why",
  ],
  [
    'is unloaded meanwhile',
    [{ value: 'unloaded' }, { value: 'loading' }, { value: 'unloaded' }],
    'load-failed',
    'Model tiny was unloaded again while it loaded',
  ],
  [
    'takes too long',
    [{ value: 'loading' }],
    'timeout',
    'Model tiny is not loaded after 1 s; the router goes on',
    1,
  ],
])('a load that %s', async (_what, looks, reason, message, limitSeconds) => {
  const { control } = await router(looks, undefined, limitSeconds);
  expect(await control.load('tiny', never)).toEqual({ ok: false, error: { reason, message } });
});

test('a refusal is told in the words of the router', async () => {
  const { control } = await router([{ value: 'unloaded' }], { status: 500, message: 'no free port' });
  expect(await control.load('tiny', never)).toEqual({
    ok: false,
    error: { reason: 'refused', message: 'Model tiny was not loaded: no free port (HTTP 500)' },
  });
});

test('nobody who waits any more ends the wait', async () => {
  const { control } = await router([{ value: 'loading' }]);
  const waiting = new AbortController();
  const outcome = control.load('tiny', waiting.signal);
  waiting.abort();
  expect(await outcome).toMatchObject({ ok: false, error: { reason: 'interrupted' } });
});

test('a model that is unloaded while it loads is gone, however the router lists it', async () => {
  const { control, unloaded } = await router([
    { value: 'loading' },
    { value: 'unloaded', failed: true, exit_code: 1 },
  ]);
  expect(await control.unload('tiny', never)).toEqual({
    ok: true,
    result: { model: 'tiny', state: 'unloaded' },
  });
  expect(unloaded).toEqual(['tiny']);
});

test('a router that does not answer is unreachable', async () => {
  const address = { origin: `http://127.0.0.1:${await freePort()}`, headers: {}, timeoutMs: 1_000 };
  const control = routerModelControl({
    address: () => address,
    loadLimitSeconds: 1,
    onUnloaded: () => undefined,
  });
  expect(await control.unload('tiny', never)).toEqual({
    ok: false,
    error: {
      reason: 'unreachable',
      message: "The router's models are unknown (connection refused); try again",
    },
  });
});

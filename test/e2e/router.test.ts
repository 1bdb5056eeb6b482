// A real llama-server as router: two tiny models in a folder and a file that is none.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ModelControl } from '../../reporter/backends/backend.ts';
import type { ReadyObservation } from '../../reporter/supervisor/state.ts';
import { writeTinyGguf } from '../../scripts/engine/tiny-gguf.ts';
import { processesWith } from '../support/processes.ts';
import { lookOnce, lookUntil, startRealEngine, type RealEngine } from '../support/real-engine.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const never = new AbortController().signal;

type Router = RealEngine & { folder: string; models: ModelControl };

async function startRouter(flags: readonly string[] = [], settings = {}): Promise<Router> {
  const folder = await temporaryFolder();
  await writeTinyGguf(join(folder, 'tiny-a.gguf'), { seed: 1 });
  await writeTinyGguf(join(folder, 'tiny-b.gguf'), { seed: 2 });
  await writeFile(join(folder, 'broken.gguf'), 'no model');
  const engine = await startRealEngine(['--models-dir', folder, ...flags], settings);
  const { modelControl } = engine.backend;
  if (modelControl === undefined) throw new Error('a router loads and unloads models');
  return { ...engine, folder, models: modelControl };
}

function states({ models }: ReadyObservation): Record<string, string> {
  return Object.fromEntries(models.map(({ id, state }) => [id, state]));
}

/** Processes of models; the router itself names only the folder. */
const modelProcesses = ({ folder }: Router): Promise<string[]> => processesWith(`--model ${folder}/`);

async function chat({ url }: Router, model: string): Promise<unknown> {
  const body = { model, messages: [{ role: 'user', content: 'hello' }], max_tokens: 8 };
  const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(body) });
  return answer.json();
}

test('its models are listed, and looking at them loads none', async () => {
  const router = await startRouter();
  for (let look = 0; look < 5; look += 1) {
    const seen = await lookOnce(router.backend);
    expect(states(seen)).toEqual({ broken: 'unloaded', 'tiny-a': 'unloaded', 'tiny-b': 'unloaded' });
    expect(seen).toMatchObject({ sleeping: false, notes: [] });
    expect(Object.keys(seen.health)).toEqual(['latency_ms']);
  }
  expect(await modelProcesses(router)).toEqual([]);
});

test('a model is loaded, chats, and is unloaded; figures are those of the loaded ones', async () => {
  const router = await startRouter();
  expect(await router.models.load('tiny-a', never)).toEqual({
    ok: true,
    result: { model: 'tiny-a', state: 'loaded', context: 512 },
  });
  expect(await router.models.load('tiny-a', never)).toMatchObject({ ok: true, result: { already: true } });
  expect(await lookOnce(router.backend)).toMatchObject({
    health: { capacity: 4, inflight_jobs: 0, queued_jobs: 0 },
    models: [{ state: 'unloaded' }, { id: 'tiny-a', state: 'loaded', context: 512 }, { state: 'unloaded' }],
    notes: [],
  });
  expect(await chat(router, 'tiny-a')).toMatchObject({ usage: { completion_tokens: 8 } });
  const busy = await lookOnce(router.backend);
  expect(busy.health.predicted_tokens_per_second).toBeGreaterThan(0);

  // A request loads the other one by itself.
  await chat(router, 'tiny-b');
  expect((await lookOnce(router.backend)).health).toMatchObject({ capacity: 8, inflight_jobs: 0 });
  expect(await router.models.unload('tiny-a', never)).toEqual({
    ok: true,
    result: { model: 'tiny-a', state: 'unloaded' },
  });
  expect(await router.models.unload('tiny-a', never)).toMatchObject({ ok: true, result: { already: true } });
  const left = await lookOnce(router.backend);
  expect(states(left)).toEqual({ broken: 'unloaded', 'tiny-a': 'unloaded', 'tiny-b': 'loaded' });
  expect(left.health).toMatchObject({ capacity: 4 });
  expect(await modelProcesses(router)).toHaveLength(1);
});

test('what cannot be loaded is said to be, and the router serves on', async () => {
  const router = await startRouter();
  expect(await router.models.load('broken', never)).toEqual({
    ok: false,
    error: {
      reason: 'load-failed',
      message: "Model broken failed to load (exit code 1); the runtime's log says why",
    },
  });
  expect(await router.models.load('tiny-c', never)).toEqual({
    ok: false,
    error: {
      reason: 'unknown-model',
      message: 'There is no model "tiny-c"; the closest of its models: tiny-a, tiny-b, broken',
    },
  });
  const seen = await lookOnce(router.backend);
  expect(states(seen)).toEqual({ broken: 'failed', 'tiny-a': 'unloaded', 'tiny-b': 'unloaded' });
  expect(seen).toMatchObject({
    warning: '1 of 3 models failed',
    notes: ["Model broken failed (exit code 1); the runtime's log says why, and a load tries it again"],
  });
});

test('kill -9 of one model is told; the others serve on, and it can be loaded again', async () => {
  const router = await startRouter();
  await router.models.load('tiny-a', never);
  await router.models.load('tiny-b', never);
  const [victim] = await processesWith(`--model ${join(router.folder, 'tiny-a.gguf')}`);
  process.kill(Number.parseInt(victim ?? '', 10), 'SIGKILL');

  const seen = await lookUntil(router.backend, 'the loss', (look) => states(look)['tiny-a'] === 'failed');
  expect(states(seen)['tiny-b']).toBe('loaded');
  expect(seen).toMatchObject({ warning: '1 of 3 models failed', health: { capacity: 4 } });
  expect(await chat(router, 'tiny-b')).toMatchObject({ usage: { completion_tokens: 8 } });

  expect(await router.models.load('tiny-a', never)).toMatchObject({ ok: true, result: { state: 'loaded' } });
  expect(await lookOnce(router.backend)).not.toHaveProperty('warning');
});

test('a model that sleeps is told as such, and looking does not wake it', async () => {
  const router = await startRouter(['--sleep-idle-seconds', '2']);
  await router.models.load('tiny-a', never);
  const asleep = await lookUntil(router.backend, 'sleep', (look) => states(look)['tiny-a'] === 'sleeping');
  expect(Object.keys(asleep.health)).toEqual(['latency_ms']);
  for (let look = 0; look < 5; look += 1) {
    expect(states(await lookOnce(router.backend))['tiny-a']).toBe('sleeping');
  }
  expect(await router.models.load('tiny-a', never)).toMatchObject({
    ok: true,
    result: { state: 'sleeping', already: true },
  });
});

test('only loaded models are asked for a token at rest', async () => {
  const router = await startRouter([], { idle_probe_seconds: 1 });
  await router.models.load('tiny-a', never);
  const settled = await lookUntil(router.backend, 'an answer', ({ idleProbes }) => idleProbes !== undefined);
  expect(settled.idleProbes).toEqual([{ kind: 'settled', model: 'tiny-a' }]);
  expect(states(settled)).toEqual({ broken: 'unloaded', 'tiny-a': 'loaded', 'tiny-b': 'unloaded' });
  expect(await modelProcesses(router)).toHaveLength(1);
});

test('with an API key it is asked with the key', async () => {
  const router = await startRouter(['--api-key', 'a-key']);
  expect(await router.models.load('tiny-a', never)).toMatchObject({ ok: true });
  expect(await lookOnce(router.backend)).toMatchObject({ health: { capacity: 4 }, notes: [] });
});

test('a model that is unloaded while it loads is no failure', async () => {
  const router = await startRouter();
  const loading = router.models.load('tiny-a', never);
  await lookUntil(router.backend, 'its load', (look) => states(look)['tiny-a'] !== 'unloaded');
  expect(await router.models.unload('tiny-a', never)).toMatchObject({
    ok: true,
    result: { state: 'unloaded' },
  });
  await loading;
  const seen = await lookOnce(router.backend);
  expect(states(seen)['tiny-a']).toBe('unloaded');
  expect(seen).not.toHaveProperty('warning');
});

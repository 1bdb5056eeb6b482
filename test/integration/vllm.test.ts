// vLLM under real supervision, played by a fixture program that answers as vLLM is documented to.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { freePort } from '../support/engine-process.ts';
import { SupervisedRuntime } from '../support/supervised-runtime.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/programs/vllm.ts', import.meta.url));

async function vllm(
  behaviour: string,
  { model = 'Qwen/Qwen3-8B', args = [] }: { model?: string; args?: string[] } = {},
): Promise<RuntimeEntry> {
  return {
    id: 'vllm:qwen',
    adapter: 'vllm',
    process: {
      command: process.execPath,
      args: [PROGRAM, 'serve', model, '--port', String(await freePort()), ...args],
      env: { FAKE_VLLM: behaviour },
    },
  };
}

test('a server is ready once it listens, and its load, pace and models are told', async () => {
  const runtime = await SupervisedRuntime.prepare(
    await vllm('steady', { args: ['--max-num-seqs', '16', '--api-key', 'secret'] }),
  );
  expect(await runtime.start()).toMatchObject({ ok: true, result: { state: 'ready' } });
  expect(runtime.status).toMatchObject({
    summary: 'Ready',
    detail: [],
    health: { capacity: 16, inflight_jobs: 1, queued_jobs: 0, request_count: 4, error_count: 1 },
  });
  expect(runtime.models).toEqual([{ id: 'Qwen/Qwen3-8B', state: 'loaded', context: 4096 }]);
  expect(runtime.backend.endpoint()).toMatchObject({ headers: { authorization: 'Bearer secret' } });
  const { health } = await runtime.statusWhere(
    (status) => status.health?.predicted_tokens_per_second !== undefined,
    'a pace, which is the difference of two looks',
  );
  // It makes 100 in a second; between the looks of a busy machine is more or less than what each of them tells.
  expect(health?.predicted_tokens_per_second).toBeGreaterThan(70);
  expect(health?.predicted_tokens_per_second).toBeLessThan(140);
});

test('a folder is served under its last name', async () => {
  const model = join(await temporaryFolder(), 'Qwen3-8B');
  const entry = await vllm('idle', { model });
  const runtime = await SupervisedRuntime.prepare(entry);
  expect(await runtime.start()).toMatchObject({
    error: {
      reason: 'blocked',
      message: `Model ${model} does not exist; put it there or change the model in process.args`,
    },
  });
  await mkdir(model);
  await runtime.shutdown();
  expect(await runtime.start()).toMatchObject({ ok: true });
  expect(runtime.models).toMatchObject([{ id: 'Qwen3-8B' }]);
});

test('requests that run while nothing moves are a wedge, and the server is restarted under its budget', async () => {
  const runtime = await SupervisedRuntime.prepare(await vllm('wedged'), { wedgeMs: 50 });
  await runtime.start();
  const { pid } = runtime.status;
  await runtime.statusWhere(
    (status) => status.state === 'ready' && status.pid !== pid,
    'ready with another process',
  );
  expect(runtime.status.restart_budget).toMatchObject({ used: 1 });
  expect(runtime.log.text()).toMatch(/Wedged: 1 busy slot, no token for \d+ s/);
});

test('a long prompt that fills the cache before its first token is no wedge', async () => {
  const runtime = await SupervisedRuntime.prepare(await vllm('prefill'), { wedgeMs: 50 });
  await runtime.start();
  const first = runtime.status.updated_at;
  await runtime.statusWhere(({ updated_at: at }) => at > first, 'a second look');
  expect(runtime.status).toMatchObject({ state: 'ready', summary: 'Ready', restart_budget: { used: 0 } });
});

test('a sleeping engine is told as such', async () => {
  const runtime = await SupervisedRuntime.prepare(await vllm('asleep'));
  await runtime.start();
  expect(runtime.status.summary).toBe('Ready (sleeping; the next request wakes it)');
  expect(runtime.models).toMatchObject([{ state: 'sleeping' }]);
});

test('a server whose engine is dead is never ready', async () => {
  const runtime = await SupervisedRuntime.prepare(await vllm('dead-engine'), {
    loadLimitMs: 1_000,
    budget: { maxRestarts: 0, windowMs: 1_000 },
  });
  expect(await runtime.start()).toMatchObject({ ok: false, error: { message: 'Not ready within 1 s' } });
});

test('an end for want of memory is told with the cause of the engine', async () => {
  const runtime = await SupervisedRuntime.prepare(await vllm('no-memory'), {
    budget: { maxRestarts: 0, windowMs: 1_000 },
  });
  const outcome = await runtime.start();
  expect(outcome).toMatchObject({
    error: {
      message: expect.stringContaining(
        'Process failed (exit code 1): memory ran out (torch.OutOfMemoryError: CUDA out of memory.',
      ),
    },
  });
});

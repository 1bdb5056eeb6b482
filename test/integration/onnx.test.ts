// The ONNX host with the real ONNX Runtime, under real supervision, on models that the test writes.

import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { freePort } from '../support/engine-process.ts';
import { SupervisedRuntime } from '../support/supervised-runtime.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { embeddingOnnx, linearOnnx } from '../support/tiny-onnx.ts';

const NO_RESTART = { budget: { maxRestarts: 0, windowMs: 1_000 } };

async function onnx(
  content: Buffer | undefined,
  {
    args = [],
    policy = {},
  }: { args?: string[]; policy?: Parameters<typeof SupervisedRuntime.prepare>[1] } = {},
): Promise<{ runtime: SupervisedRuntime; model: string }> {
  const model = join(await temporaryFolder(), 'tiny.onnx');
  if (content !== undefined) await writeFile(model, content);
  const process = { args: ['--model', model, '--port', String(await freePort()), '--threads', '1', ...args] };
  const entry: RuntimeEntry = { id: 'onnx', adapter: 'onnx', process };
  return { runtime: await SupervisedRuntime.prepare(entry, policy), model };
}

async function post(
  { backend }: SupervisedRuntime,
  path: string,
  body: unknown,
): Promise<{ status: number; type: string | null; body: unknown }> {
  const answer = await fetch(`${backend.endpoint().origin}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.json() };
}

const x = (dims: number[], data: unknown[], type = 'float32'): object => ({
  inputs: { x: { type, dims, data } },
});

test('y = x·W + b: ready, asked, counted, and ended by SIGTERM', async () => {
  const { runtime } = await onnx(linearOnnx());
  expect(await runtime.start()).toMatchObject({ ok: true });
  expect(runtime.models).toEqual([{ id: 'tiny.onnx', state: 'loaded' }]);
  expect(runtime.loop.record().descriptor).toMatchObject({ adapter: 'onnx', modalities: ['embeddings'] });

  expect(await post(runtime, '/infer', x([2, 3], [1, 1, 1, 1, 0, 2]))).toMatchObject({
    status: 200,
    // [1+3+5, 2+4+6] and [1+10, 2+12], each with b.
    body: { outputs: { y: { type: 'float32', dims: [2, 2], data: [9.5, 11.5, 11.5, 13.5] } } },
  });
  expect(await post(runtime, '/infer', x([1, 2], [1, 1]))).toMatchObject({ status: 422 });
  const { health } = await runtime.statusWhere(
    (status) => status.health?.request_count === 2,
    'two requests counted',
  );
  expect(health).toMatchObject({ capacity: 1, inflight_jobs: 0, queued_jobs: 0, error_count: 1 });

  await runtime.shutdown();
  expect(runtime.status.last_exit).toMatchObject({ code: 0, signal: null });
});

test('tokens become embeddings: the mean of their vectors', async () => {
  const { runtime } = await onnx(embeddingOnnx(), { args: ['--name', 'sentences'] });
  await runtime.start();
  expect(await post(runtime, '/v1/embeddings', { model: 'sentences', input: [[0, 1], [3]] })).toMatchObject({
    status: 200,
    body: {
      object: 'list',
      model: 'sentences',
      data: [
        { object: 'embedding', index: 0, embedding: [1, 2] },
        { object: 'embedding', index: 1, embedding: [6, 7] },
      ],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    },
  });
  const refused = [
    [{ input: 'hello' }, 422, 'tokenizer-missing'],
    [{ input: [1], model: 'another' }, 404, 'unknown-model'],
    [{ input: [9] }, 422, 'inference-failed'],
    [{}, 400, 'malformed-body'],
  ] as const;
  for (const [body, status, reason] of refused) {
    expect(await post(runtime, '/v1/embeddings', body)).toMatchObject({
      status,
      type: 'application/problem+json',
      body: { type: `urn:runtime-matrix:problem:${reason}`, status, detail: expect.stringMatching(/\S/) },
    });
  }
});

test('what is no request is a problem document that says what to do', async () => {
  const { runtime } = await onnx(linearOnnx());
  await runtime.start();
  const refused = [
    ['/infer', '{', 400, 'The body is no JSON'],
    ['/infer', { inputs: {} }, 400, 'input "x" is missing (it takes x: float32)'],
    ['/infer', x([1, 3], [1, 2, 3], 'float64'), 400, 'input "x" is float64 (it takes x: float32)'],
    ['/infer', { inputs: { z: { type: 'int8', dims: [0], data: [] } } }, 400, 'input "x" is missing'],
    ['/infer', ' '.repeat(16 * 1024 * 1024 + 1), 413, 'A body may have 16777216 bytes'],
    ['/v1/embeddings', { input: [1] }, 422, 'Its inputs are not tokens (x: float32); use /infer'],
    ['/health', '', 405, '/health takes GET'],
    ['/constructor', '', 404, 'Known are /health, /stats, /v1/models, /v1/embeddings, /infer'],
  ] as const;
  for (const [path, body, status, detail] of refused) {
    const answer = await post(runtime, path, body);
    expect(answer).toMatchObject({ status, body: { status, detail: expect.stringContaining(detail) } });
  }
  expect(runtime.status.state).toBe('ready');
});

test('while the model loads it says so, and takes no requests', async () => {
  const { runtime, model } = await onnx(undefined, { policy: NO_RESTART });
  // Opening a pipe that nobody writes to takes for ever: a model of any size is loaded more quickly.
  execFileSync('mkfifo', [model]);
  const starting = runtime.start();
  const { detail } = await runtime.statusWhere(({ summary }) => summary === 'Loading model', 'loading');
  expect(detail).toEqual([expect.stringMatching(/^Starting for \d+ s, limit 20 s$/)]);
  expect(await post(runtime, '/infer', x([1, 3], [1, 2, 3]))).toMatchObject({
    status: 503,
    body: { type: 'urn:runtime-matrix:problem:model-loading' },
  });
  await runtime.shutdown();
  expect(await starting).toMatchObject({ ok: false, error: { reason: 'superseded' } });
});

test('a file that is no model ends it, with the reason', async () => {
  const { runtime } = await onnx(Buffer.from('no model'), { policy: NO_RESTART });
  expect(await runtime.start()).toMatchObject({
    error: {
      message: expect.stringMatching(
        /^Process failed \(exit code 1\): the model could not be loaded: .*tiny\.onnx/,
      ),
    },
  });
});

test('arguments that it does not know end it, with its usage', async () => {
  const { runtime } = await onnx(linearOnnx(), { args: ['--no-such-flag'], policy: NO_RESTART });
  expect(await runtime.start()).toMatchObject({
    error: {
      message: expect.stringMatching(
        /^Process failed \(exit code 2\): its arguments are wrong: .*--no-such-flag/,
      ),
    },
  });
});

test('a missing model blocks the launch and spends nothing', async () => {
  const { runtime, model } = await onnx(undefined);
  expect(await runtime.start()).toMatchObject({
    error: {
      reason: 'blocked',
      message: `Model file ${model} does not exist; put it there or change the --model argument`,
    },
  });
  expect(runtime.status.restart_budget).toMatchObject({ used: 0 });
});

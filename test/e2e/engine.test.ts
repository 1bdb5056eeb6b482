/**
 * A real llama-server on this machine: found or installed, loaded with the tiny model, used, stopped. A machine
 * on which it cannot be had fails this test; the stub does not stand in.
 */
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { freePort, startEngine, type EngineProcess } from '../support/engine-process.ts';
import { sseData } from '../support/sse.ts';

/** An install on a slow line, then a start. */
const INSTALL_TIMEOUT_MS = 300_000;
const REQUEST_TIMEOUT_MS = 30_000;

async function startLlamaServer(...flags: string[]): Promise<{ server: EngineProcess; url: string }> {
  const progress: string[] = [];
  const options = {
    env: process.env,
    cacheDir: projectCacheDir(),
    log: (line: string) => void progress.push(line),
  };
  const engine = await findEngine(options);
  if (engine.kind === 'stub') throw new Error(`no llama-server: ${engine.reason}\n${progress.join('\n')}`);
  const model = await findModel({ ...options, env: {} });
  const args = [
    '-m',
    model.path,
    '--alias',
    'tiny',
    '--host',
    '127.0.0.1',
    '--port',
    String(await freePort()),
  ];
  const server = startEngine(engine.binary, [...args, '-c', '512', '--metrics', '--slots', ...flags]);
  return { server, url: await server.ready() };
}

async function ask(url: string, body?: object): Promise<string> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(
    url,
    body ? { method: 'POST', body: JSON.stringify(body), signal } : { signal },
  );
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}
const askJson = async (url: string, body?: object): Promise<unknown> => JSON.parse(await ask(url, body));

const counter = (metrics: string, name: string): number =>
  Number(new RegExp(`^llamacpp:${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? Number.NaN);

const messages = [{ role: 'user', content: 'hello' }];

test(
  'chat, slots and metrics of the real server with the tiny model',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const { server, url } = await startLlamaServer();

    expect(await askJson(`${url}/health`)).toEqual({ status: 'ok' });
    expect(await askJson(`${url}/v1/models`)).toMatchObject({
      data: [{ id: 'tiny', meta: { n_params: 119_872 } }],
    });
    expect(await askJson(`${url}/props`)).toMatchObject({
      chat_template: expect.stringContaining('assistant: '),
      total_slots: 4,
      build_info: expect.not.stringContaining('stub'),
    });

    const before = await ask(`${url}/metrics`);
    const answer = await askJson(`${url}/v1/chat/completions`, { messages, max_tokens: 24 });
    const after = await ask(`${url}/metrics`);

    // The model is built so that its answers are letters and never end early.
    const content: unknown = expect.stringMatching(/^[a-z .,!?:;'-]{12,24}$/);
    expect(answer).toMatchObject({
      choices: [{ finish_reason: 'length', message: { content } }],
      usage: { completion_tokens: 24 },
    });
    expect(counter(before, 'tokens_predicted_total')).toBe(0);
    expect(counter(after, 'tokens_predicted_total')).toBe(24);
    expect(counter(after, 'prompt_tokens_total')).toBeGreaterThan(0);
    const slot = { n_ctx: 512, is_processing: false };
    expect(await askJson(`${url}/slots`)).toMatchObject([slot, slot, slot, slot]);

    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  },
);

test(
  'a stream is answered token by token, and kill -9 leaves the port free',
  { timeout: INSTALL_TIMEOUT_MS },
  async () => {
    const { server, url } = await startLlamaServer();

    const events = sseData(
      await ask(`${url}/v1/chat/completions`, { messages, max_tokens: 8, stream: true }),
    );
    server.kill('SIGKILL');

    // The role, eight tokens, the end.
    expect(events).toHaveLength(10);
    expect(await server.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await expect(ask(`${url}/health`)).rejects.toThrow('fetch failed');
  },
);

test('a missing model ends the real server with 1 and says so', { timeout: INSTALL_TIMEOUT_MS }, async () => {
  const engine = await findEngine({ env: process.env, cacheDir: projectCacheDir(), log: () => undefined });
  if (engine.kind === 'stub') throw new Error(`no llama-server: ${engine.reason}`);
  const missing = `${randomUUID()}.gguf`;

  const server = startEngine(engine.binary, [
    '-m',
    missing,
    '--host',
    '127.0.0.1',
    '--port',
    String(await freePort()),
  ]);

  expect(await server.exited).toEqual({ code: 1, signal: null });
  expect(server.log()).toContain(`failed to load model, '${missing}'`);
});

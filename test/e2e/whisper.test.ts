// A real whisper-server under supervision, with a tiny model that the test writes: it is installed where it is
// missing, loads, transcribes, takes another model, and ends. A machine on which it cannot be had fails this test.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { WHISPER_SERVER } from '../../scripts/engine/debian-program.ts';
import { installServer } from '../../scripts/engine/install.ts';
import { projectCacheDir } from '../../scripts/engine/project-cache.ts';
import { freePort } from '../support/engine-process.ts';
import { SupervisedRuntime } from '../support/supervised-runtime.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { writeTinyWhisper } from '../support/tiny-whisper.ts';

const SAMPLES_PER_SECOND = 16_000;
let whisperServer = '';

beforeAll(async () => {
  const { binary } = await installServer(WHISPER_SERVER, { cacheDir: projectCacheDir(), log: tell });
  whisperServer = binary;
});

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function whisper(
  policy: Parameters<typeof SupervisedRuntime.prepare>[1] = {},
  more: Partial<RuntimeEntry> = {},
): Promise<{ runtime: SupervisedRuntime; model: string; folder: string }> {
  const folder = await temporaryFolder();
  const model = join(folder, 'ggml-tiny.bin');
  await writeTinyWhisper(model);
  const args = ['-m', model, '--port', String(await freePort()), '-t', '1'];
  const process = { command: whisperServer, args };
  const entry: RuntimeEntry = { id: 'whisper', adapter: 'whisper.cpp', process, ...more };
  return { runtime: await SupervisedRuntime.prepare(entry, policy), model, folder };
}

/** One second of silence as a WAV file. */
function silence(): Blob {
  const dataBytes = SAMPLES_PER_SECOND * 2;
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + dataBytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  // PCM, one channel.
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  header.writeUInt32LE(SAMPLES_PER_SECOND * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(dataBytes, 40);
  return new Blob([header, Buffer.alloc(dataBytes)], { type: 'audio/wav' });
}

async function post(url: string, parts: Record<string, string | Blob>): Promise<Response> {
  const form = new FormData();
  for (const [name, part] of Object.entries(parts)) {
    if (typeof part === 'string') form.append(name, part);
    else form.append(name, part, 'audio.wav');
  }
  return fetch(url, { method: 'POST', body: form });
}

test('it is ready once its model is loaded, and transcribes where OpenAI clients ask', async () => {
  const { runtime } = await whisper();
  expect(await runtime.start()).toMatchObject({ ok: true, result: { state: 'ready' } });
  expect(runtime.status).toMatchObject({ summary: 'Ready', detail: [], health: { capacity: 1 } });
  expect(runtime.status.health).not.toHaveProperty('inflight_jobs');
  expect(runtime.models).toEqual([{ id: 'ggml-tiny.bin', state: 'loaded' }]);

  const { origin } = runtime.backend.endpoint();
  const answer = await post(`${origin}/v1/audio/transcriptions`, { file: silence(), model: 'ggml-tiny.bin' });
  expect(await answer.json()).toEqual({ text: expect.any(String) });

  await runtime.shutdown();
  expect(runtime.status).toMatchObject({ state: 'offline', last_exit: { code: 0, signal: null } });
});

test('a load by hand that failed leaves it degraded, and it is restarted under its budget', async () => {
  const { runtime } = await whisper({ wedgeMs: 10_000 });
  await runtime.start();
  const { pid } = runtime.status;
  const { origin } = runtime.backend.endpoint();
  expect((await post(`${origin}/load`, { model: '/no/such.bin' })).status).toBe(400);

  const degraded = await runtime.statusWhere(({ state }) => state === 'degraded', 'degraded');
  expect(degraded.summary).toBe('Probe failing (Loading another model)');
  await runtime.statusWhere((status) => status.state === 'ready' && status.pid !== pid, 'ready again');
  expect(runtime.status.restart_budget).toMatchObject({ used: 1 });
});

test('a model that is gone blocks the launch and spends nothing', async () => {
  const { runtime, model } = await whisper();
  await rm(model);
  expect(await runtime.start()).toMatchObject({
    error: {
      reason: 'blocked',
      message: `Model file ${model} does not exist; put it there or change the -m argument`,
    },
  });
  expect(runtime.status.restart_budget).toMatchObject({ used: 0 });
});

test('arguments that it does not know end it with 0, and are told as the cause', async () => {
  const noRestart = { budget: { maxRestarts: 0, windowMs: 1_000 } };
  const { runtime } = await whisper(noRestart, {
    preset: 'typo',
    presets: { typo: { args: ['--no-such-flag'] } },
  });
  expect(await runtime.start()).toMatchObject({
    error: {
      message:
        'Process ended by itself (exit code 0): its arguments are wrong (error: unknown argument: --no-such-flag)',
    },
  });
});

// A real llama-server at rest under our looks: it still goes to sleep, stays asleep, and gives a token when asked.

import { expect, inject, test } from 'vitest';
import type { Backend } from '../../reporter/backends/backend.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import type { ReadyObservation } from '../../reporter/supervisor/state.ts';
import { freePort, startEngine } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';

const LOOK_EVERY_MS = 200;

async function engine(
  flags: readonly string[],
  settings: Partial<RuntimeEntry['process']>,
): Promise<{ url: string; backend: Backend }> {
  const args = ['-m', inject('tinyModel'), '--port', String(await freePort()), '-c', '512', ...flags];
  const entry: RuntimeEntry = { id: 'tiny', adapter: 'llama.cpp', process: { args, ...settings } };
  const backend = makeBackend(entry, { llamaServer: inject('llamaServer') });
  const { command, args: all } = backend.launchSpec(undefined);
  return { url: await startEngine(command, all).ready(), backend };
}

/** Looks again and again, as a reporter does, until a look is as wanted. */
function lookUntil(backend: Backend, what: string, isWanted: (seen: ReadyObservation) => boolean) {
  return eventually(what, async () => {
    const seen = await backend.observe(AbortSignal.timeout(10_000));
    if (seen.kind === 'ready' && isWanted(seen)) return seen;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    return undefined;
  });
}

test('a model that is to sleep when it rests goes to sleep under our looks, and they do not wake it', async () => {
  const { url, backend } = await engine(['--sleep-idle-seconds', '2'], {});
  const awake = await lookUntil(backend, 'a first look', () => true);
  expect(awake).toMatchObject({ sleeping: false, health: { capacity: 4, inflight_jobs: 0 } });
  const resting = await lookUntil(backend, 'a look at its rest', ({ notes }) => notes.length > 0);
  expect(resting.notes).toEqual(['Slots and pace are not asked for: the model may go to sleep']);
  expect(resting.health).not.toHaveProperty('inflight_jobs');

  await lookUntil(backend, 'sleep', ({ sleeping }) => sleeping);
  for (let look = 0; look < 5; look += 1) {
    expect(await backend.observe(AbortSignal.timeout(10_000))).toMatchObject({
      sleeping: true,
      models: [{ state: 'sleeping' }],
      notes: [],
    });
  }
  await fetch(`${url}/completion`, { method: 'POST', body: JSON.stringify({ prompt: 'a', n_predict: 1 }) });
  const woken = await lookUntil(backend, 'its figures again', ({ health }) => 'inflight_jobs' in health);
  expect(woken).toMatchObject({ sleeping: false, notes: [] });
});

test('a model at rest is asked for one token, which nobody sees in its figures', async () => {
  const { url, backend } = await engine([], { idle_probe_seconds: 1 });
  const answered = await lookUntil(backend, 'the answer', ({ idleProbe }) => idleProbe !== undefined);
  expect(answered).toMatchObject({
    idleProbe: { kind: 'answered' },
    health: { inflight_jobs: 0, queued_jobs: 0 },
    notes: [],
  });
  const after = await lookUntil(backend, 'a look after it', () => true);
  for (const { health } of [answered, after]) {
    expect(health).not.toHaveProperty('predicted_tokens_per_second');
    expect(health).not.toHaveProperty('prompt_tokens_per_second');
  }
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^llamacpp:tokens_predicted_total [1-9]$/m);
});

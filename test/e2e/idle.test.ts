// A real llama-server at rest under our looks: it still goes to sleep, stays asleep, and gives a token when asked.

import { expect, inject, test } from 'vitest';
import { lookOnce, lookUntil, startRealEngine } from '../support/real-engine.ts';

test('a model that is to sleep when it rests goes to sleep under our looks, and they do not wake it', async () => {
  const { url, backend } = await startRealEngine(['-m', inject('tinyModel'), '--sleep-idle-seconds', '4']);
  const awake = await lookOnce(backend);
  expect(awake).toMatchObject({ sleeping: false, health: { capacity: 4, inflight_jobs: 0 } });
  // This build's /metrics does not count as use: the figures go on.
  const resting = await lookOnce(backend);
  expect(resting).toMatchObject({ health: { capacity: 4, inflight_jobs: 0, queued_jobs: 0 }, notes: [] });

  await lookUntil(backend, 'sleep', ({ sleeping }) => sleeping);
  for (let look = 0; look < 5; look += 1) {
    expect(await lookOnce(backend)).toMatchObject({
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
  const { url, backend } = await startRealEngine(['-m', inject('tinyModel')], { idle_probe_seconds: 1 });
  const answered = await lookUntil(backend, 'the answer', ({ idleProbes }) => idleProbes !== undefined);
  expect(answered).toMatchObject({
    idleProbes: [{ kind: 'settled' }],
    health: { inflight_jobs: 0, queued_jobs: 0 },
    notes: [],
  });
  const after = await lookOnce(backend);
  for (const { health } of [answered, after]) {
    expect(health).not.toHaveProperty('predicted_tokens_per_second');
    expect(health).not.toHaveProperty('prompt_tokens_per_second');
  }
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/^llamacpp:tokens_predicted_total [1-9]$/m);
});

// The main job on a real llama-server: crashes, budgets and restores, as an operator sees them in the matrix.

import { expect, test } from 'vitest';
import * as v from 'valibot';
import { BudgetRefusalSchema, CommandAcceptedSchema } from '../../contract/command.ts';
import { Fleet } from '../support/fleet.ts';

async function killEngine(fleet: Fleet): Promise<number> {
  const pid = (await fleet.status())?.pid;
  if (pid === undefined) throw new Error('the matrix names no process of the engine');
  process.kill(pid, 'SIGKILL');
  return pid;
}

test('a ready engine is told with its model, slots, and after a chat its throughput', async () => {
  const fleet = await Fleet.ready();

  const item = await fleet.itemWhere((found) => found.status.code === 'ok');
  expect(item).toMatchObject({
    status: { label: 'Ready - Runtime telemetry nominal', detail: ['Running within expected ranges'] },
    stale: false,
    uplink: 'open',
    runtimes: [
      {
        descriptor: { adapter: 'llama.cpp', models: [{ id: 'tiny.gguf', state: 'loaded', context: 512 }] },
        status: { state: 'ready', health: { capacity: 4, inflight_jobs: 0 } },
      },
    ],
  });
  expect(item.runtimes?.[0]?.status.health).not.toHaveProperty('predicted_tokens_per_second');

  const chat = { messages: [{ role: 'user', content: 'hello' }], max_tokens: 32 };
  const answer = await fetch(`${fleet.engineUrl}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify(chat),
  });
  expect(answer.status).toBe(200);

  const { health } = await fleet.statusWhere(
    (status) => status.health?.predicted_tokens_per_second !== undefined,
  );
  expect(health?.predicted_tokens_per_second).toBeGreaterThan(0);
  expect(health?.prompt_tokens_per_second).toBeGreaterThan(0);
});

test('kill -9 of the engine: starting, ready again, two of three restarts left', async () => {
  const fleet = await Fleet.ready();

  const pid = await killEngine(fleet);

  // Not the `starting` in between: the backoff is jittered, and may end before the matrix is looked at.
  const again = await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 1);
  expect(again.last_exit).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(again.pid).not.toBe(pid);
  expect(again.restart_budget).toMatchObject({ max_restarts: 3, used: 1, remaining: 2, window_seconds: 600 });
});

test('an exhausted budget: error, restart pressure, 429 with its reset, and a restore once the window frees', async () => {
  const windowSeconds = 12;
  const fleet = await Fleet.ready({ restart: { max: 1, window_seconds: windowSeconds } });

  await killEngine(fleet);
  await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 1);
  await killEngine(fleet);

  const item = await fleet.itemWhere((found) => found.status.code === 'error');
  expect(item.status.label).toMatch(/^Error - Tiny Llama: Process killed/);
  expect(item.runtime.restart_pressure?.[0]).toMatch(
    /^Tiny Llama restart budget exhausted \(0 of 1 remaining; window 12s; resets at .*Z\)$/,
  );
  const failed = await fleet.status();
  expect(failed).toMatchObject({ state: 'error', severity: 'error', restart_budget: { remaining: 0 } });

  const refused = await fleet.restore();
  expect(refused.status).toBe(429);
  const refusal = v.parse(BudgetRefusalSchema, await refused.json());
  expect(refusal.restart_budget.reset_at).toBe(failed?.restart_budget?.reset_at);

  await fleet.statusWhere((status) => status.restart_budget?.remaining === 1, (windowSeconds + 8) * 1000);
  expect((await fleet.status())?.state).toBe('error');
  const accepted = await fleet.restore();
  expect(accepted.status).toBe(202);
  const { job_id: jobId } = v.parse(CommandAcceptedSchema, await accepted.json());
  const job = await fleet.jobWhere(jobId, (found) => found.state === 'completed');
  expect(job).toMatchObject({ delivered: true, result: { state: 'ready' } });
  await fleet.statusWhere((status) => status.state === 'ready' && status.restarts_total === 2);
});

test('a change is told when it happens, not at the next report', async () => {
  // No restarts: the crash stays in the matrix until it is looked at.
  const fleet = await Fleet.ready({ restart: { max: 0 } });
  const { seq = 0 } = (await fleet.item()) ?? {};

  await killEngine(fleet);

  const item = await fleet.itemWhere((found) => found.runtimes?.[0]?.status.state === 'error');
  const crashedAtMs = Date.parse(item.runtimes?.[0]?.status.last_exit?.at ?? '');
  // Half of the 5 s between reports; how much less it is, `npm run bench -- change-latency` measures.
  expect(Date.parse(item.received_at) - crashedAtMs).toBeLessThan(2_500);
  expect(item.seq).toBeGreaterThan(seq);
});

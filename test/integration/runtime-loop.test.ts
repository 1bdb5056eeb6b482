// Supervision with real processes: what the machine asks for is carried out, and what children do is noticed.

import { randomInt } from 'node:crypto';
import { chmod, symlink, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Supervisor } from '../../reporter/supervisor/supervisor.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { STUB, SupervisedStub, type SupervisedOptions } from '../support/supervised-stub.ts';

/** Why a launch is blocked, once all that must then be true was looked at. */
async function blockedBecause(stub: SupervisedStub): Promise<string> {
  const outcome = await stub.start();
  const { summary, detail } = stub.status;
  expect(outcome).toEqual({ ok: false, error: { reason: 'blocked', message: summary } });
  expect(stub.status).toMatchObject({
    state: 'error',
    severity: 'error',
    restart_budget: { used: 0, remaining: 3 },
    restarts_total: 0,
  });
  expect(detail).toEqual([expect.stringMatching(/^Checked again in .* no restart was spent$/)]);
  return summary;
}

/** What is true once the reason is gone: nothing was spent on the way. */
const MENDED = { state: 'ready', restart_budget: { used: 0 }, restarts_total: 0 };

/** A shell that leaves a child in its group, of a command line that no other test has, and becomes the server. */
function withGrandchild(): { grandchild: string; options: SupervisedOptions } {
  const grandchild = `sleep ${randomInt(1_000_000, 1_000_000_000)}`;
  return {
    grandchild,
    options: {
      command: () => '/bin/sh',
      lead: ['-c', `${grandchild} & exec "$0" "$@"`, process.execPath, STUB],
      policy: { budget: { maxRestarts: 0, windowMs: 600_000 } },
    },
  };
}

test('a start ends when the server is ready, and its figures are told', async () => {
  const stub = await SupervisedStub.prepare({ args: ['--load-ms', '150', '-np', '2', '-c', '512'] });
  const outcome = await stub.start();

  expect(outcome).toEqual({ ok: true, result: { state: 'ready', pid: stub.pid } });
  expect(stub.told).toEqual(['starting', 'ready']);
  expect(stub.status).toMatchObject({
    summary: 'Ready',
    detail: [],
    restarts_total: 0,
    restart_budget: { used: 0, remaining: 3 },
    health: { capacity: 2, inflight_jobs: 0, queued_jobs: 0 },
  });
  expect(stub.status.health).not.toHaveProperty('predicted_tokens_per_second');
  expect(stub.models).toEqual([{ id: 'stub:tiny.gguf', state: 'loaded', context: 256 }]);
  expect(await stub.output()).toContain('listening on');
});

test('while a model loads, its size and the time so far are told', async () => {
  const stub = await SupervisedStub.prepare({ args: ['--load-ms', '60000'] });
  void stub.start();
  const { summary } = await stub.statusWhere(
    ({ detail }) => detail[0]?.startsWith('Loading ') === true,
    'progress',
  );

  expect(summary).toBe('Loading model');
  expect(stub.status.detail).toEqual([
    expect.stringMatching(/^Loading tiny\.gguf \(0\.0 kB\), \d s so far, limit 20 s$/),
  ]);
});

test('a killed server comes back, for one restart of the budget', async () => {
  const stub = await SupervisedStub.ready();
  const first = stub.pid;
  process.kill(first, 'SIGKILL');
  await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');

  expect(stub.told).toEqual(['starting', 'ready', 'starting', 'ready']);
  expect(stub.status).toMatchObject({
    restarts_total: 1,
    restart_budget: { max_restarts: 3, used: 1, remaining: 2 },
    last_exit: { code: null, signal: 'SIGKILL' },
  });
  expect(stub.log.text()).toContain('killed (SIGKILL');
});

test('a server that ignores SIGTERM is killed after the grace', async () => {
  const stub = await SupervisedStub.ready({ args: ['--ignore-sigterm'], policy: { stopGraceMs: 2_000 } });
  const startedMs = performance.now();
  const stopping = stub.shutdown();
  expect(stub.status).toMatchObject({ state: 'offline', summary: 'Stopping' });

  expect(await stopping).toEqual({ ok: true, result: { state: 'offline' } });
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_999);
  expect(stub.status).toMatchObject({
    state: 'offline',
    severity: 'info',
    summary: 'Stopped',
    last_exit: { signal: 'SIGKILL' },
  });
  expect(await stub.output()).toContain('ignoring SIGTERM');
  expect(await processesWith(stub.modelPath)).toEqual([]);
});

test('a server that heeds SIGTERM ends by itself, and nothing is spent', async () => {
  const stub = await SupervisedStub.ready();
  await stub.shutdown();

  expect(stub.status).toMatchObject({ last_exit: { code: 0, signal: null }, restart_budget: { used: 0 } });
  expect(stub.status).not.toHaveProperty('pid');
  expect(stub.status).not.toHaveProperty('health');
});

describe('a launch that cannot succeed is an error with its reason, spends nothing, and works once mended', () => {
  test('a missing program', async () => {
    const stub = await SupervisedStub.prepare({ command: (folder) => join(folder, 'llama-server') });
    const program = join(stub.folder, 'llama-server');
    expect(await blockedBecause(stub)).toBe(
      `Program ${program} does not exist; put it there or change process.command`,
    );
    await symlink(process.execPath, program);
    await stub.restore();
    expect(stub.status).toMatchObject(MENDED);
  });
  test('a program that may not be executed', async () => {
    const stub = await SupervisedStub.prepare({ command: (folder) => join(folder, 'llama-server') });
    const program = join(stub.folder, 'llama-server');
    await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, { mode: 0o600 });
    expect(await blockedBecause(stub)).toBe(`Program ${program} is not executable; chmod +x it`);
    await chmod(program, 0o700);
    await stub.restore();
    expect(stub.status).toMatchObject(MENDED);
  });
  test('a program that is not on the PATH', async () => {
    const stub = await SupervisedStub.prepare({ command: () => 'no-such-llama-server' });
    expect(await blockedBecause(stub)).toBe(
      'Program no-such-llama-server is not on the PATH; install it or give its full path in process.command',
    );
  });
  test('a missing model file', async () => {
    const stub = await SupervisedStub.prepare({ withModel: false });
    expect(await blockedBecause(stub)).toBe(
      `Model file ${stub.modelPath} does not exist; put it there or change the -m argument`,
    );
    await writeFile(stub.modelPath, 'here it is');
    await stub.restore();
    expect(stub.status).toMatchObject(MENDED);
  });
  test('a taken port', async () => {
    const stub = await SupervisedStub.prepare();
    const squatter = createServer((socket) => socket.destroy()).listen(stub.port, '127.0.0.1');
    onTestFinished(() => void squatter.close());
    await once(squatter, 'listening');
    expect(await blockedBecause(stub)).toBe(
      `Port ${stub.port} on 127.0.0.1 is in use by process ${process.pid} (node); stop that one or choose another port`,
    );
    squatter.close();
    await once(squatter, 'close');
    await stub.restore();
    expect(stub.status).toMatchObject(MENDED);
  });
});

test('a server whose log cannot be opened is started all the same, and mended', async () => {
  const stub = await SupervisedStub.prepare();
  await writeFile(join(stub.folder, 'logs'), 'in the way');
  expect(await stub.start()).toMatchObject({ ok: true });
  expect(stub.log.text()).toMatch(/its log is not kept: E/);

  const first = stub.pid;
  process.kill(first, 'SIGKILL');
  await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');
  expect(stub.log.text()).toContain('killed (SIGKILL');
});

test('a crash loop stops at the budget, and its log says why', async () => {
  const budget = { maxRestarts: 2, windowMs: 600_000 };
  const stub = await SupervisedStub.prepare({
    args: ['--fail-load', '--exit-code', '1'],
    policy: { budget },
  });
  const why = 'Process failed (exit code 1): the model file is missing';
  expect(await stub.start()).toMatchObject({ ok: false, error: { reason: 'failed' } });
  await stub.statusWhere(({ state }) => state === 'error', 'given up');

  expect(stub.status.summary).toContain(why);
  expect(stub.status).toMatchObject({
    severity: 'error',
    restart_budget: { used: 2, remaining: 0 },
    restarts_total: 2,
  });
  expect(stub.status.detail).toEqual([expect.stringMatching(/^Restart budget exhausted; resets at .*Z$/)]);
  expect((await stub.output()).match(/initializing/g)).toHaveLength(3);
  expect(await stub.restore()).toMatchObject({ ok: false, error: { reason: 'budget-exhausted' } });
  expect(await stub.restore(true)).toMatchObject({ ok: false, error: { reason: 'failed' } });
  expect(stub.status).toMatchObject({ restart_budget: { used: 3, remaining: 0 }, restarts_total: 3 });
});

test('a start that takes too long is stopped and tried again', async () => {
  const stub = await SupervisedStub.prepare({
    args: ['--load-ms', '60000'],
    policy: { loadLimitMs: 1_000, budget: { maxRestarts: 0, windowMs: 600_000 } },
  });
  const outcome = await stub.start();

  expect(outcome).toEqual({ ok: false, error: { reason: 'failed', message: 'Not ready within 1 s' } });
  expect(stub.status).toMatchObject({ state: 'error', summary: 'Not ready within 1 s' });
  expect(stub.status.detail).toEqual(['Automatic restarts are switched off (budget 0)']);
});

test('a server at rest that gives no token any more is restarted under the budget', async () => {
  const stub = await SupervisedStub.ready({
    args: ['--ignore-generations'],
    settings: { idle_probe_seconds: 1, wedge_seconds: 1 },
  });
  const first = stub.pid;
  const doubt = 'Last idle probe failed';
  await stub.statusWhere(({ detail }) => detail.some((line) => line.startsWith(doubt)), 'a first doubt');
  expect(stub.status).toMatchObject({
    state: 'ready',
    detail: ['Last idle probe failed (no token within 1 s)'],
    health: { inflight_jobs: 0 },
  });
  await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');
  expect(stub.told).toEqual(['starting', 'ready', 'degraded', 'starting', 'ready']);
  expect(stub.summaries).toContain('Idle probe failing (no token within 1 s)');
  expect(stub.status).toMatchObject({ restarts_total: 1, restart_budget: { used: 1 } });
});

test('a sound server at rest is asked for a token, and nobody sees it in its figures', async () => {
  const stub = await SupervisedStub.ready({ settings: { idle_probe_seconds: 1 } });
  const asked = async (path: string): Promise<number> => (await stub.asked()).asked[path] ?? 0;
  await eventually('a question', async () => (await asked('/completion')) > 0);
  const looks = await asked('/slots');
  await eventually('a look after it', async () => (await asked('/slots')) > looks);

  expect(stub.status).toMatchObject({ state: 'ready', detail: [], health: { inflight_jobs: 0 } });
  expect(stub.status.health).not.toHaveProperty('predicted_tokens_per_second');
});

test('a sleeping model is told as such, and looking does not wake it', async () => {
  const stub = await SupervisedStub.ready({ args: ['--sleeping'] });
  // /props is asked only of a server that is ready: three of them are two looks after the first.
  const { asked, is_sleeping: sleeps } = await eventually('three looks', async () => {
    const told = await stub.asked();
    return (told.asked['/props'] ?? 0) >= 3 ? told : undefined;
  });

  expect(sleeps).toBe(true);
  expect(asked).not.toHaveProperty('/slots');
  expect(asked).not.toHaveProperty('/metrics');
  expect(asked['/v1/models']).toBe(1);
  expect(stub.status).toMatchObject({
    state: 'ready',
    summary: 'Ready (sleeping; the next request wakes it)',
  });
  expect(stub.status.health).not.toHaveProperty('inflight_jobs');
  expect(stub.models).toMatchObject([{ state: 'sleeping' }]);
});

describe('what a server started beside itself goes with it', () => {
  test('when it crashes', async () => {
    const { grandchild, options } = withGrandchild();
    const stub = await SupervisedStub.ready(options);
    expect(await processesWith(grandchild)).toHaveLength(1);
    process.kill(stub.pid, 'SIGKILL');
    await stub.statusWhere(({ state }) => state === 'error', 'the crash is told');
    await eventually('no grandchild', async () => (await processesWith(grandchild)).length === 0);
    expect(await processesWith(stub.modelPath)).toEqual([]);
  });
  test('when it is stopped', async () => {
    const { grandchild, options } = withGrandchild();
    const stub = await SupervisedStub.ready(options);
    expect(await processesWith(grandchild)).toHaveLength(1);
    await stub.shutdown();
    await eventually('no grandchild', async () => (await processesWith(grandchild)).length === 0);
  });
});

describe('a server that does not answer any more', () => {
  const args = ['--hang-after-ready'];
  /** It answers once: a busy machine must not miss that. */
  const probeTimeoutMs = 1_500;

  test('is degraded after two failed looks, with the reason, and tells no old figures', async () => {
    const stub = await SupervisedStub.ready({ args, probeTimeoutMs });
    await stub.statusWhere(({ state }) => state === 'degraded', 'degraded');

    expect(stub.told).toEqual(['starting', 'ready', 'degraded']);
    expect(stub.status).toMatchObject({
      severity: 'warn',
      summary: 'Probe failing (timeout after 1500 ms)',
      detail: [expect.stringMatching(/^No good answer for \d+ s$/), '3 of 3 restarts left'],
      restart_budget: { used: 0 },
    });
    expect(stub.status).not.toHaveProperty('health');
  });
  test('is restarted under the budget when that lasts', async () => {
    const stub = await SupervisedStub.ready({
      args,
      probeTimeoutMs,
      policy: { wedgeMs: 500, budget: { maxRestarts: 1, windowMs: 600_000 } },
    });
    const first = stub.pid;
    await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');

    expect(stub.status.restart_budget).toMatchObject({ used: 1, remaining: 0 });
    expect(stub.log.text()).toMatch(/Unresponsive for \d+ s \(timeout after 1500 ms\)/);
  });
});

test('a decode that stalls while the server answers is a wedge: restarted under the budget', async () => {
  const stub = await SupervisedStub.ready({ args: ['--decode-stall'], policy: { wedgeMs: 1_000 } });
  const first = stub.pid;
  const gone = new AbortController();
  const chat = fetch(`http://127.0.0.1:${stub.port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }),
    signal: gone.signal,
  });
  // Its server is ended under it.
  await Promise.all([
    expect(chat).rejects.toThrow('fetch failed'),
    stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again'),
  ]);

  expect(stub.log.text()).toMatch(/Wedged: 1 busy slot, no token for \d+ s/);
  expect(stub.status.restart_budget).toMatchObject({ used: 1, remaining: 2 });
});

test('a wedged server that is being stopped gets no request any more, and its models stay known', async () => {
  const stub = await SupervisedStub.ready({
    args: ['--decode-stall', '--ignore-sigterm'],
    policy: { wedgeMs: 500, stopGraceMs: 30_000 },
  });
  const supervisor = new Supervisor([stub.loop]);
  const [serving] = supervisor.routables();
  expect(serving).toMatchObject({ accepting: true, models: [{ state: 'loaded' }] });
  const gone = new AbortController();
  const chat = fetch(`http://127.0.0.1:${stub.port}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }] }),
    signal: gone.signal,
  });
  // Where the test fails before it is awaited, that is told alone.
  chat.catch(() => undefined);
  await stub.statusWhere(({ detail }) => detail.some((line) => line.startsWith('SIGTERM sent')), 'stopping');
  expect(supervisor.routables()).toMatchObject([{ state: 'degraded', accepting: false }]);
  gone.abort();
  await expect(chat).rejects.toThrow('aborted');
  await stub.loop.shutDown(0);
  const [stopped] = supervisor.routables();
  expect(stopped?.models).toEqual(serving?.models.map(({ id }) => ({ id, state: 'unloaded' })));
  expect(stub.models).toBeUndefined();
});

test('operations at once are all settled, and one child serves', async () => {
  const stub = await SupervisedStub.prepare({ args: ['--load-ms', '50'] });
  const outcomes = await Promise.all([
    stub.start(),
    stub.shutdown(),
    stub.start(),
    stub.restore(),
    stub.start(),
  ]);

  expect(outcomes.map((outcome) => (outcome.ok ? 'ok' : outcome.error.reason))).toEqual([
    'superseded',
    'superseded',
    'ok',
    'ok',
    'ok',
  ]);
  expect(await processesWith(stub.modelPath)).toHaveLength(1);
  expect(stub.status.restart_budget).toMatchObject({ used: 0 });
});

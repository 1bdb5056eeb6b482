// A real router under supervision: what a reader of the matrix sees of its models, and that they end with it.

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import { writeTinyGguf } from '../../scripts/engine/tiny-gguf.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

test('its models are told as they change, and a router that is killed takes them with it', async () => {
  const folder = await temporaryFolder();
  await writeTinyGguf(join(folder, 'tiny-a.gguf'), { seed: 1 });
  const args = ['--models-dir', folder, '--port', String(await freePort()), '-c', '512'];
  const backend = makeBackend(
    { id: 'router', adapter: 'llama.cpp', process: { args } },
    { llamaServer: inject('llamaServer') },
  );
  const loop = new RuntimeLoop({
    backend,
    policy: {
      budget: { maxRestarts: 3, windowMs: 600_000 },
      backoff: { baseMs: 20, capMs: 20 },
      loadLimitMs: 20_000,
      stopGraceMs: 5_000,
      wedgeMs: 60_000,
    },
    output: new RuntimeLog(folder, 'router', () => redactor([])),
    memory: new RuntimeMemory(folder, 'router'),
    log: new RecordedLog(),
    onMaterialChange: () => undefined,
  });
  onTestFinished(async () => {
    await loop.shutDown();
  });
  const modelStates = () => loop.record().descriptor.models?.map(({ id, state }) => `${id} ${state}`);
  const modelIs = (state: string) =>
    eventually(`tiny-a ${state}`, () => modelStates()?.includes(`tiny-a ${state}`));

  expect(await loop.carryOut(randomUUID(), { kind: 'start', args: {} })).toMatchObject({ ok: true });
  expect(modelStates()).toEqual(['tiny-a unloaded']);
  await backend.modelControl?.load('tiny-a', new AbortController().signal);
  await modelIs('loaded');
  expect(loop.record().status).toMatchObject({ state: 'ready', severity: 'info', health: { capacity: 4 } });

  const ofModel = `--model ${join(folder, 'tiny-a.gguf')}`;
  const [model] = await processesWith(ofModel);
  process.kill(Number.parseInt(model ?? '', 10), 'SIGKILL');
  await modelIs('failed');
  expect(loop.record().status).toMatchObject({
    state: 'ready',
    severity: 'warn',
    summary: 'Ready (1 of 1 models failed)',
    detail: [expect.stringContaining('Model tiny-a failed (exit code 1)')],
  });
  expect(JSON.stringify(loop.record())).not.toContain(folder);

  await backend.modelControl?.load('tiny-a', new AbortController().signal);
  const { pid = 0 } = loop.record().status;
  process.kill(pid, 'SIGKILL');
  await eventually('the restart', () => {
    const { status } = loop.record();
    return status.state === 'ready' && status.pid !== pid;
  });
  expect(await processesWith(ofModel)).toEqual([]);
  expect(modelStates()).toEqual(['tiny-a unloaded']);
  expect(loop.record().status).toMatchObject({ restarts_total: 1, severity: 'info' });
});

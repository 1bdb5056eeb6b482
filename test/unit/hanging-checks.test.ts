// A model on a mount that is dead: the look at it never returns, and nobody may wait for that.

import { randomUUID } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { UNCONFINED, type Sandbox } from '../../reporter/sandbox/sandbox.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import { POLICY } from '../support/machine-driver.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('the launch is blocked with that reason, one look stays open, and a stop ends', async () => {
  vi.useFakeTimers();
  const folder = await temporaryFolder();
  let looks = 0;
  const backend = makeBackend({ id: 'llama', adapter: 'llama.cpp', process: {} }, { llamaServer: 'x' });
  const loop = new RuntimeLoop({
    backend: {
      ...backend,
      preflight: () => {
        looks += 1;
        return new Promise(() => undefined);
      },
    },
    policy: POLICY,
    output: new RuntimeLog(folder, 'llama', () => redactor([])),
    memory: new RuntimeMemory(folder, 'llama'),
    log: new RecordedLog(),
    onMaterialChange: () => undefined,
  });
  const started = loop.operate({ kind: 'start', operation: { id: randomUUID(), kind: 'start' } });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await started).toMatchObject({ ok: false, error: { reason: 'blocked' } });
  expect(loop.record().status.summary).toContain('look for a file system that hangs');

  // It is tried again, but the look that hangs is not doubled: each holds one of the few threads for files.
  await vi.advanceTimersByTimeAsync(60_000);
  expect(looks).toBe(1);
  expect(await loop.shutDown(5_000)).toMatchObject({ ok: true });
});

test('a switch whose sandbox cannot be looked at is refused with that reason, and costs nothing', async () => {
  vi.useFakeTimers();
  const loop = await supervised({
    ...UNCONFINED,
    kind: 'container',
    faults: () => new Promise(() => undefined),
  });
  const switched = loop.carryOut(randomUUID(), { kind: 'switch', args: { sandbox: 'container' } });
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await switched).toMatchObject({
    ok: false,
    error: { reason: 'blocked', message: expect.stringContaining('look for a file system that hangs') },
  });
  expect(loop.record().status.state).toBe('offline');
});

async function supervised(sandbox: Sandbox): Promise<RuntimeLoop> {
  const folder = await temporaryFolder();
  const entry: RuntimeEntry = { id: 'llama', adapter: 'llama.cpp', process: {} };
  return new RuntimeLoop({
    backend: makeBackend(entry, { llamaServer: 'x' }),
    policy: POLICY,
    sandbox: (kind) => (kind === undefined ? UNCONFINED : sandbox),
    output: new RuntimeLog(folder, 'llama', () => redactor([])),
    memory: new RuntimeMemory(folder, 'llama'),
    log: new RecordedLog(),
    onMaterialChange: () => undefined,
  });
}

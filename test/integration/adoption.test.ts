// Which process of an earlier reporter is ours, and what is remembered of it: real processes, a real file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { redactor } from '../../reporter/logs/redaction.ts';
import { UNCONFINED, type Sandbox } from '../../reporter/sandbox/sandbox.ts';
import { AdoptedChild, recognize } from '../../reporter/supervisor/adopt.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { LaunchSpec } from '../../reporter/supervisor/child.ts';
import { Launcher } from '../../reporter/supervisor/launcher.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory, type RememberedChild } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import { startOf } from '../../system/process-identity.ts';
import { POLICY } from '../support/machine-driver.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const SPEC: LaunchSpec = { command: 'sleep', args: ['3600'], env: {}, workdir: undefined };
const ASKED = ['sleep', '3600'];

async function running(): Promise<RememberedChild> {
  const child = spawn(SPEC.command, [...SPEC.args], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const pid = child.pid ?? 0;
  const start = (await startOf(pid)) ?? '';
  const { command, args } = SPEC;
  return { pid, start, command, args: [...args], started_at_ms: Date.now(), log_start_bytes: 0 };
}

test('a child with the same number, start and command line is ours', async () => {
  expect(await recognize(await running(), [ASKED])).toEqual({ kind: 'ours' });
});

test('a number that another process has now is not', async () => {
  expect(await recognize({ ...(await running()), start: '1' }, [ASKED])).toEqual({ kind: 'gone' });
});

test('a child whose entry has changed is left alone, with the reason', async () => {
  expect(await recognize(await running(), [['sleep', '7200']])).toEqual({
    kind: 'different',
    reason: 'the manifest asks for another command line now',
  });
});

test('a child is known by what was asked for, where the way to do it has changed with an upgrade', async () => {
  const child = { ...(await running()), asked: ['llama-server', '-m', 'a.gguf'] };
  expect(await recognize(child, [['llama-server', '-m', 'a.gguf']])).toEqual({ kind: 'ours' });
  expect(await recognize(child, [['llama-server', '-m', 'b.gguf']])).toMatchObject({ kind: 'different' });
});

test('an ONNX host is known also where Node or the package has moved, and by the line of an earlier release', async () => {
  const process = { args: ['--model', '/m.onnx'] };
  const backend = makeBackend({ id: 'onnx', adapter: 'onnx', process }, { llamaServer: 'x' });
  const asked = new Launcher(() => ({ backend })).asked({});
  const { command, args, asked: words = [] } = backend.launchSpec(undefined);
  expect(words.join(' ')).toMatch(/^arw-onnx-host --model \/m\.onnx /);
  const child = await running();
  expect(await recognize({ ...child, asked: [...words] }, asked)).toEqual({ kind: 'ours' });
  expect(asked).toEqual([words, [command, ...args]]);
});

test('nothing that its arguments name is looked at to adopt a child: it may lie on a dead mount', async () => {
  const folder = await temporaryFolder();
  const memory = new RuntimeMemory(folder, 'llama');
  const child = { ...(await running()), asked: ['known'] };
  memory.save({ spent_at_ms: [], restarts_total: 0, child });
  const sandbox: Sandbox = {
    ...UNCONFINED,
    confine: () => {
      throw new Error('it looked');
    },
    asked: () => ['known'],
  };
  const loop = new RuntimeLoop({
    backend: makeBackend({ id: 'llama', adapter: 'llama.cpp', process: {} }, { llamaServer: 'x' }),
    policy: POLICY,
    sandbox: () => sandbox,
    output: new RuntimeLog(folder, 'llama', () => redactor([])),
    memory,
    log: new RecordedLog(),
    onMaterialChange: () => undefined,
  });
  await loop.adopt();
  expect(loop.record().status.pid).toBe(child.pid);
  expect(await loop.shutDown()).toMatchObject({ ok: true });
});

test('a process that runs something else than was remembered is left alone, with the reason', async () => {
  expect(await recognize({ ...(await running()), args: ['7200'] }, [['sleep', '7200']])).toEqual({
    kind: 'different',
    reason: 'it runs another command line than it was started with',
  });
});

test('the end of an adopted child is seen, and it is ended by its group', async () => {
  const child = new AdoptedChild(await running());
  child.signal('SIGTERM');
  expect(await child.exited).toMatchObject({ code: null, signal: null });
});

test('what is remembered is read back, by this user alone; a damaged file is told and counts as nothing', async () => {
  const folder = await temporaryFolder();
  const memory = new RuntimeMemory(folder, 'llama:70b');
  expect(memory.load()).toEqual({ memory: { spent_at_ms: [], restarts_total: 0 }, damaged: false });

  const kept = { spent_at_ms: [1, 2], restarts_total: 2, child: await running() };
  memory.save(kept);

  const again = new RuntimeMemory(folder, 'llama:70b');
  expect(again.load()).toEqual({ memory: kept, damaged: false });
  expect((await stat(again.path)).mode & 0o777).toBe(0o600);
  await writeFile(again.path, '{"spent_at_ms":');
  expect(again.load()).toMatchObject({ memory: { restarts_total: 0 }, damaged: true });
});

// The commands that reach the set of runtimes, as far as no process is needed to answer them.

import { expect, test } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import { Supervisor } from '../../reporter/supervisor/supervisor.ts';
import { POLICY } from '../support/machine-driver.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

async function supervisorOf(...ids: string[]): Promise<Supervisor> {
  return supervisorIn(await temporaryFolder(), ...ids);
}

function supervisorIn(folder: string, ...ids: string[]): Supervisor {
  return new Supervisor(ids.map((id) => loopIn(folder, id)));
}

/** @param preset the one that the manifest starts it with */
function loopIn(folder: string, id: string, preset?: string): RuntimeLoop {
  return new RuntimeLoop({
    backend: makeBackend(
      { id, adapter: 'llama.cpp', process: {}, presets: { short: {}, long: {} } },
      { llamaServer: 'no-such-llama-server' },
    ),
    preset,
    policy: POLICY,
    output: new RuntimeLog(folder, id, () => redactor([])),
    memory: new RuntimeMemory(folder, id),
    log: new RecordedLog(),
    onMaterialChange: () => undefined,
  });
}

test('runtimes are told in the order of the manifest, stopped until they are started', async () => {
  const supervisor = await supervisorOf('b', 'a');
  expect(supervisor.records().map(({ status }) => [status.id, status.summary])).toEqual([
    ['b', 'Stopped'],
    ['a', 'Stopped'],
  ]);
});

test('a runtime that is not here', async () => {
  const supervisor = await supervisorOf('a');
  expect(await supervisor.carryOut('1', 'b', { kind: 'start', args: {} })).toEqual({
    ok: false,
    error: { reason: 'unknown-runtime', message: 'This node has no runtime "b"' },
  });
});

test('a preset that is not there: the answer lists those that are', async () => {
  const supervisor = await supervisorOf('a');
  expect(await supervisor.carryOut('1', 'a', { kind: 'restore', args: { preset: 'log' } })).toEqual({
    ok: false,
    error: { reason: 'unknown-preset', message: 'a has no preset "log" (it has: short, long)' },
  });
});

test('the presets of a manifest are told, and the one in force', async () => {
  const supervisor = await supervisorOf('a');
  expect(supervisor.records()[0]?.descriptor).toMatchObject({ presets: ['short', 'long'] });
  expect(supervisor.records()[0]?.descriptor).not.toHaveProperty('preset');
  await supervisor.carryOut('1', 'a', { kind: 'switch', args: { preset: 'long' } });
  expect(supervisor.records()[0]?.descriptor).toMatchObject({ preset: 'long' });
});

test('the preset that the manifest starts with is the one in force, and a switch to it changes nothing', async () => {
  const supervisor = new Supervisor([loopIn(await temporaryFolder(), 'a', 'short')]);
  expect(supervisor.records()[0]?.descriptor).toMatchObject({ preset: 'short' });
  expect(await supervisor.carryOut('1', 'a', { kind: 'switch', args: { preset: 'short' } })).toMatchObject({
    ok: true,
    result: { already: true, preset: 'short' },
  });
});

test('a preset that the manifest loses while its sandbox is looked at is refused', async () => {
  const loop = loopIn(await temporaryFolder(), 'a');
  const outcome = loop.carryOut('1', { kind: 'switch', args: { preset: 'long', sandbox: 'none' } });
  const without = makeBackend(
    { id: 'a', adapter: 'llama.cpp', process: {} },
    { llamaServer: 'no-such-llama-server' },
  );
  loop.replace({ backend: without, policy: POLICY }, false);
  expect(await outcome).toMatchObject({ ok: false, error: { reason: 'unknown-preset' } });
  expect(loop.record().descriptor).not.toHaveProperty('preset');
});

test('a launch that is blocked is the outcome of the command', async () => {
  const supervisor = await supervisorOf('a');
  const outcome = await supervisor.carryOut('1', 'a', { kind: 'start', args: {} });
  expect(outcome).toMatchObject({ ok: false, error: { reason: 'blocked' } });
  await supervisor.shutDown();
  expect(supervisor.records()[0]?.status).toMatchObject({ state: 'offline', summary: 'Stopped' });
});

test('while it ends it takes no command any more: what that started would outlive us', async () => {
  const supervisor = await supervisorOf('a');
  const ending = supervisor.shutDown();
  for (const kind of ['start', 'shutdown'] as const) {
    expect(await supervisor.carryOut('1', 'a', { kind, args: {} })).toMatchObject({
      ok: false,
      error: { reason: 'reporter-ending' },
    });
  }
  await ending;
});

test('what a runtime served before this reporter was started is known to the gateway, and told to nobody else', async () => {
  const folder = await temporaryFolder();
  new RuntimeMemory(folder, 'a').save({ spent_at_ms: [], restarts_total: 0, models: ['m'] });
  const supervisor = supervisorIn(folder, 'a');
  expect(supervisor.routables()).toMatchObject([
    { id: 'a', models: [{ id: 'm', state: 'unloaded' }], accepting: false },
  ]);
  expect(supervisor.records()[0]?.descriptor).not.toHaveProperty('models');
});

// The smoke suites as users and CI run them: what they print, how they end, and that nothing is left of them.

import { once } from 'node:events';
import { access, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { markedProcesses } from '../../scripts/smoke/marked-processes.ts';
import { eventually } from '../support/eventually.ts';
import { SmokeRun } from '../support/smoke-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** An engine that never gets ready holds a run in its middle. */
const STUCK = { LLAMA_SERVER_ARGS: '--load-ms 3600000' };
const IN_THE_MIDDLE = /^ {2}ok {6}hub and reporter are up/m;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The names of the steps, all of which went well. */
function stepsOf(run: SmokeRun): string[] {
  return run.lines.flatMap((line) => /^ {2}ok {6}(.+?) +\d+ ms$/.exec(line)?.[1] ?? []);
}

const RUNTIME_STEPS = [
  'an engine is there',
  'hub and reporter are up',
  'the llama endpoint is Ready in the matrix',
  'every matrix item speaks and is fresh',
  'chat.respond flows end to end',
  'chat.respond flows as a stream',
  'everything ended, nothing left behind',
];

test('runtime-smoke: a chat through all of it with no weights, one line for each step, nothing left', async () => {
  // What a terminal is set up for has no part in it.
  const run = SmokeRun.npm('runtime-smoke', { ARW_ADMIN_TOKEN: 'of-another-hub', FLEET_SHARDS: '0' });
  expect([await run.end(), run.output]).toEqual([0, expect.stringMatching(/passed, 7 steps in \d/)]);
  expect(stepsOf(run)).toEqual(RUNTIME_STEPS);
  expect(await markedProcesses(run.id)).toEqual([]);
  expect(await isThere(run.folder)).toBe(false);
});

test('runtime-smoke MODE=real: the same with a real llama.cpp', async () => {
  const run = SmokeRun.npm('runtime-smoke', {
    MODE: 'real',
    LLAMA_SERVER_BIN: inject('llamaServer'),
    LLAMA_MODEL_PATH: inject('tinyModel'),
    LLAMA_SERVER_ARGS: '-c 512',
    LLAMA_SERVER_PORT: String(await freePort()),
  });
  expect([await run.end(), run.output]).toEqual([0, expect.stringContaining('passed')]);
  expect(stepsOf(run)).toEqual(RUNTIME_STEPS);
  expect(await markedProcesses(run.id)).toEqual([]);
});

test('runtime-smoke MODE=real never passes without a real llama.cpp', async () => {
  const run = SmokeRun.direct('runtime', { MODE: 'real', LLAMA_SERVER_BIN: '/nonexistent/llama-server' });
  expect(await run.end()).toBe(1);
  expect(run.output).toMatch(/failed +an engine is there .*which cannot be found; correct it/);
});

test('runtime-smoke-vision: a stub llava through a forced restore, in a folder that is given and used again', async () => {
  const root = await temporaryFolder();
  const asked = { VISION_SMOKE_ROOT: root };
  for (const start of [
    () => SmokeRun.npm('runtime-smoke-vision', asked),
    () => SmokeRun.npm('runtime-smoke', { ...asked, ARW_SMOKE_MODE: 'vision' }),
  ]) {
    const run = start();
    expect([await run.end(), run.output]).toEqual([0, expect.stringContaining('passed')]);
    expect(stepsOf(run)).toEqual([
      'hub and reporter are up',
      'the vision runtime is Ready in the matrix',
      '/describe describes a picture',
      'every matrix item speaks and is fresh',
      'a restore through the hub is accepted',
      'the matrix cycles back to Ready',
      'the job tells its end',
      'the event log tells the cycle',
      '/describe is answered by the new process',
      'everything ended, nothing left behind',
    ]);
    expect(await markedProcesses(run.id)).toEqual([]);
    expect(await readFile(join(root, 'runtimes.toml'), 'utf8')).toContain('llava.stub');
    expect(await readFile(join(root, 'reporter.log'), 'utf8')).toContain('reporter ready');
  }
});

test('the guard ends a run that takes too long, and keeps its logs', async () => {
  const run = SmokeRun.direct('runtime', {
    ...STUCK,
    RUNTIME_SMOKE_TIMEOUT_SECS: '',
    SMOKE_TIMEOUT_SECS: '4',
  });
  expect(await run.end()).toBe(124);
  expect(run.output).toContain('failed: not done within 4 s');
  expect(run.lines).toContain(`logs: ${run.folder}`);
  expect(await isThere(run.folder)).toBe(true);
  expect(await markedProcesses(run.id)).toEqual([]);
});

test('a run that fails says why, and keeps its logs', async () => {
  const stranger = createServer();
  stranger.listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  onTestFinished(() => void stranger.close());
  const address = stranger.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');

  const run = SmokeRun.direct('runtime', { LLAMA_SERVER_PORT: String(address.port) });
  expect(await run.end()).toBe(1);
  expect(run.output).toContain(`llama.local has failed: `);
  expect(run.output).toContain(`Port ${address.port} `);
  expect(run.lines).toContain(`logs: ${run.folder}`);
  expect(await readFile(join(run.folder, 'reporter.log'), 'utf8')).toContain('llama.local: Error');
  expect(await markedProcesses(run.id)).toEqual([]);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s in the middle: ended in good order, nothing left', async (signal, exitCode) => {
  const run = SmokeRun.direct('runtime', STUCK);
  await run.said(IN_THE_MIDDLE);
  expect(await markedProcesses(run.id)).not.toEqual([]);
  process.kill(run.pid, signal);
  expect(await run.end()).toBe(exitCode);
  expect(run.output).toContain(`ended by ${signal}`);
  expect(await markedProcesses(run.id)).toEqual([]);
  expect(await isThere(run.folder)).toBe(false);
});

test.each([
  ['before anything is up', 'runtime', /: run \S+ in /],
  ['in its middle', 'runtime', IN_THE_MIDDLE],
  ['while a restore is under way', 'vision', /a restore through the hub is accepted/],
] as const)('kill -9 of the suite %s leaves nothing behind', async (_, suite, moment) => {
  const run = SmokeRun.direct(suite, STUCK);
  await run.said(moment);
  process.kill(run.pid, 'SIGKILL');
  expect(await run.end()).toBe('SIGKILL');
  await eventually('no folder of the run', async () => !(await isThere(run.folder)), 20_000);
  expect(await markedProcesses(run.id)).toEqual([]);
});

test('kill -9 of npm leaves nothing behind', async () => {
  const run = SmokeRun.npm('runtime-smoke', STUCK);
  await run.said(IN_THE_MIDDLE);
  process.kill(run.pid, 'SIGKILL');
  await eventually('no folder of the run', async () => !(await isThere(run.folder)), 20_000);
  expect(await markedProcesses(run.id)).toEqual([]);
});

test('Ctrl-C, which reaches npm and the suite at once, leaves nothing behind', async () => {
  const run = SmokeRun.npm('runtime-smoke-vision');
  await run.said(IN_THE_MIDDLE);
  process.kill(-run.pid, 'SIGINT');
  await run.end();
  await run.nothingLeft();
  expect(await isThere(run.folder)).toBe(false);
});

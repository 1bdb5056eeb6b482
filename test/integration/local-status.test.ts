// `arw-reporter status` against a running reporter, with a hub and without one.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { LocalStatusSchema } from '../../reporter/local/local-status.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { FakeHub } from '../support/fake-hub.ts';
import { Host } from '../support/reporter-host.ts';

test('tells the runtimes and the hub, to its own user alone', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.program.ready;
  await running.says('llama: Ready - Ready');

  const { exitCode, stdout, stderr } = await host.command('status', {});
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('Node gpu-01: Ready - Runtime telemetry nominal\n');
  expect(stdout).toContain(`Hub:  ${hub.url.href} hears us by WebSocket for `);
  expect(stdout).toMatch(/\n {2}llama {2}Ready \(Info\) {2}3 of 3 restarts left, .*process \d+/);
  expect((await stat(join(host.stateDir, 'reporter.sock'))).mode & 0o777).toBe(0o600);

  const json = await host.command('status', {}, '--json');
  const told = v.parse(LocalStatusSchema, JSON.parse(json.stdout));
  expect(told.uplink).toMatchObject({ state: 'connected', way: 'websocket', hub: hub.url.href });
  expect(told.uplink.last_accepted_at).toBeDefined();
  expect(told.reporter).toMatchObject({ pid: running.program.pid, state_dir: host.stateDir });
  // Asking takes no number away from what goes to the hub.
  const sent = (): number[] => hub.snapshots.map(({ snapshot }) => snapshot.seq);
  await eventually('the hub has what we were told', () => sent().includes(told.snapshot.seq));
  expect(sent()).toEqual(sent().map((_seq, index) => index + 1));
});

test('answers while the hub is away, and says so; after the end it is told that none runs', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.program.ready;
  await hub.stop();
  const stdout = await eventually(
    'it has noticed',
    async () => {
      const answer = await host.command('status', {});
      return answer.stdout.includes('does not hear us') && answer.stdout.includes('(') && answer.stdout;
    },
    20_000,
  );
  expect(stdout).toContain('Runtimes: 1 (1 ');

  await running.program.stop();
  expect(await host.command('status', {})).toEqual({
    exitCode: 1,
    stdout: '',
    stderr:
      `arw-reporter: no reporter runs on ${host.stateDir}; start it with "arw-reporter run", ` +
      'or name another --state-dir\n',
  });
});

test('a reporter that was killed leaves a socket that nobody answers; the next one takes its place', async () => {
  const host = await Host.prepare();
  const url = new URL(`http://127.0.0.1:${await freePort()}/`);
  const first = host.start(url);
  await first.says('enrolling again soon');
  expect((await host.command('status', {})).stdout).toContain('has not enrolled us yet');
  first.program.kill('SIGKILL');
  await first.program.ended;
  expect(await host.command('status', {})).toMatchObject({ exitCode: 1 });
  const second = host.start(url);
  await second.says('enrolling again soon');
  expect(await host.command('status', {})).toMatchObject({ exitCode: 0 });
});

test('a state directory with too long a path: the socket is elsewhere, and is found there', async () => {
  const host = await Host.prepare();
  const long = join(host.folder, 'x'.repeat(100));
  const url = new URL(`http://127.0.0.1:${await freePort()}/`);
  const env = { XDG_RUNTIME_DIR: host.folder };
  const running = host.start(url, { ...env }, '--state-dir', long);
  await running.says('is too long a path for a socket: arw-reporter status asks ');
  const asked = await host.command('status', env, '--state-dir', long);
  expect(asked).toMatchObject({ exitCode: 0, stderr: '' });
});

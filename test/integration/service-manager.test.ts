// The reporter under systemd: what it is told at the start, while it lives, at a reload and at the end. Its tool is
// played by a program that writes down what it was to say.

import { readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { Host } from '../support/reporter-host.ts';

const TOOL = fileURLToPath(new URL('../fixtures/programs/systemd-notify.ts', import.meta.url));

/** A reporter whose hub is away, under a manager with these settings; and what the manager was told so far. */
async function underSystemd(host: Host, env: Record<string, string>) {
  await symlink(TOOL, join(host.folder, 'systemd-notify'));
  const file = join(host.folder, 'told');
  const running = host.start(new URL(`http://127.0.0.1:${await freePort()}/`), {
    PATH: [host.folder, dirname(process.execPath), process.env['PATH']].join(':'),
    NOTIFY_SOCKET: join(host.folder, 'notify'),
    FAKE_NOTIFY_FILE: file,
    ...env,
  });
  const told = async (): Promise<string[]> => {
    const text = await readFile(file, 'utf8').catch(() => '');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(line.indexOf('"said":') + '"said":'.length, -1));
  };
  const hears = (text: string): Promise<string> =>
    eventually(`systemd is told ${text}`, async () => (await told()).find((line) => line.includes(text)));
  return { running, told, hears };
}

test('ready without a hub, alive while it lives, reloading and ready again, and stopping at the end', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const { running, told, hears } = await underSystemd(host, { WATCHDOG_USEC: '400000' });
  await hears('READY=1');
  expect((await told())[0]).toMatch(/^\["READY=1","STATUS=\d of 1 runtimes ready"\]$/);
  await hears('["WATCHDOG=1","STATUS=1 of 1 runtimes ready"]');

  process.kill(running.program.pid, 'SIGHUP');
  await hears('RELOADING=1');
  await eventually('it is ready again', async () => {
    const lines = await told();
    const reloading = lines.findIndex((line) => /"RELOADING=1","MONOTONIC_USEC=\d+"/.test(line));
    return reloading >= 0 && lines.slice(reloading).some((line) => line.includes('READY=1'));
  });
  expect((await running.program.stop()).exitCode).toBe(0);
  expect((await told()).at(-1)).toBe('["STOPPING=1","STATUS=Ending"]');
});

test('a watchdog that is meant for another process gets no proof, and a tool that fails is told once', async () => {
  const host = await Host.prepare();
  const env = { WATCHDOG_USEC: '100000', WATCHDOG_PID: '1', FAKE_NOTIFY_FAILS: '1' };
  const { running, told } = await underSystemd(host, env);
  await running.says('systemd-notify fails (');
  process.kill(running.program.pid, 'SIGHUP');
  await eventually('it was ready again', async () => (await told()).length === 3);
  expect((await running.program.stop()).exitCode).toBe(0);
  expect((await told()).filter((line) => line.includes('WATCHDOG=1'))).toEqual([]);
  expect(running.lines.filter((line) => line.includes('systemd-notify fails'))).toHaveLength(1);
});

test('without a manager nobody is told anything', async () => {
  const host = await Host.prepare();
  const { running, told } = await underSystemd(host, { NOTIFY_SOCKET: '', WATCHDOG_USEC: '50000' });
  await running.says('enrolling again soon');
  await running.program.stop();
  expect(await told()).toEqual([]);
});

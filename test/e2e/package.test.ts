// The package as a user gets it: packed, installed into an empty folder, run as plain JavaScript.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import type { Plan } from '../../reporter/sandbox/program/plan.ts';
import { freePort } from '../../scripts/fleet/free-port.ts';
import { Program } from '../../scripts/fleet/program.ts';
import { run } from '../support/shell.ts';

/** An install fetches workerd, 150 MB where npm's cache is cold. */
const INSTALL_TIMEOUT_MS = 240_000;

test('the packed package installs and its three programs run', { timeout: INSTALL_TIMEOUT_MS }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runtime-matrix-package-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const packed = await run('npm', ['pack', '--pack-destination', folder]);
  expect(packed.exitCode).toBe(0);
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  await writeFile(join(folder, 'package.json'), '{"private":true}');

  const installed = await run('npm', ['install', tarball], { cwd: folder });
  expect(installed).toMatchObject({ exitCode: 0 });

  const bin = (name: string): string => join(folder, 'node_modules', '.bin', name);
  for (const name of ['arw-reporter', 'arw-cli', 'arw-hub']) {
    expect(await run(bin(name), ['--version'])).toMatchObject({ stdout: `${packageJson.version}\n` });
  }
  const dist = join(folder, 'node_modules', packageJson.name, 'dist');
  const shipped = await readdir(dist, { recursive: true });
  expect(shipped.filter((name) => name.endsWith('.ts'))).toEqual([]);

  // Inside, nothing of the package is there but this program: it must run without its package.json.
  const plan: Plan = {
    host: '127.0.0.1',
    port: await freePort(),
    socketDir: join(folder, 'sandbox'),
    read: [],
    write: [],
    devices: false,
    workdir: false,
    env: [],
  };
  const words = [join(dist, 'arw-sandbox.mjs'), 'outer', JSON.stringify(plan), 'echo', 'confined'];
  expect(await run(process.execPath, words)).toEqual({ exitCode: 0, stdout: 'confined\n', stderr: '' });

  const hub = new Program({
    name: 'arw-hub',
    args: [bin('arw-hub'), '--port', '0', '--data', join(folder, 'data')],
    env: { ...process.env, ARW_ADMIN_TOKEN: 'package-test' },
    readyLine: /^hub ready (http:\S+)$/,
  });
  onTestFinished(async () => void (await hub.stop()));
  const [, url = ''] = await hub.ready;
  const status = await run(bin('arw-cli'), ['--hub', url, '--token', 'package-test', 'runtime', 'status']);
  expect(status).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Runtimes: 0') });
  const page = await (await fetch(url, { headers: { accept: 'text/html' } })).text();
  const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(page)?.[1] ?? '';
  expect((await fetch(`${url}${script}`)).headers.get('content-type')).toMatch(/^text\/javascript/);
  expect((await hub.stop()).exitCode).toBe(0);
});

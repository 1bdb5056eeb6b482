// `arw-reporter install` on a host: what it writes where, what it leaves alone, and what systemd says of the unit.

import { access, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Host } from '../support/reporter-host.ts';
import { run } from '../support/shell.ts';

const HUB = ['--hub', 'https://hub.example'];

/** What systemd has to say against a unit; nothing where it is not on this machine. */
async function complaints(unit: string, scope: 'user' | 'system', runtimeDir: string): Promise<string> {
  const analyze = '/usr/bin/systemd-analyze';
  const isHere = await access(analyze).then(
    () => true,
    () => false,
  );
  if (!isHere) return '';
  const env = { ...process.env, XDG_RUNTIME_DIR: runtimeDir };
  const { stdout, stderr } = await run(analyze, ['verify', `--${scope}`, unit], { env });
  return `${stdout}${stderr}`
    .split('\n')
    .filter((line) => line.includes('arw-reporter'))
    .join('\n');
}

test('--dry-run prints both units as systemd wants them, and writes nothing', async () => {
  const host = await Host.prepare();
  const units = join(host.folder, 'units');
  await mkdir(units);
  const env = { XDG_CONFIG_HOME: join(host.folder, 'config') };
  for (const scope of ['user', 'system'] as const) {
    const as = ['--run-as', userInfo().username];
    const shown = await host.command('install', env, `--${scope}`, ...as, ...HUB, '--dry-run');
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    const [unit = ''] = shown.stdout.split(/^# \S+\.env \(mode 600\)$/m);
    expect(unit).toContain(`WatchdogSec=60`);
    const file = join(units, 'arw-reporter.service');
    await writeFile(file, unit);
    expect(await complaints(file, scope, host.folder)).toBe('');
  }
  await expect(access(env.XDG_CONFIG_HOME)).rejects.toThrow('ENOENT');
  await expect(access(host.stateDir)).rejects.toThrow('ENOENT');
});

test('writes unit and settings, and replaces a unit that somebody changed only when told to', async () => {
  const host = await Host.prepare();
  const config = join(host.folder, 'config');
  const env = { XDG_CONFIG_HOME: config, ARW_JOIN_TOKEN: 'secret' };
  // With --force also on machines where systemd does not run.
  const first = await host.command('install', env, ...HUB, '--force');
  expect(first).toMatchObject({ exitCode: 0, stderr: '' });
  const unit = join(config, 'systemd', 'user', 'arw-reporter.service');
  const settings = join(config, 'runtime-matrix', 'arw-reporter.env');
  expect(first.stdout).toContain(`wrote ${unit}\n`);
  expect(first.stdout).toContain('arw-reporter enroll --hub https://hub.example/ --node gpu-01');
  expect(first.stdout).toContain(
    'systemctl --user daemon-reload && systemctl --user enable --now arw-reporter',
  );
  expect((await stat(settings)).mode & 0o777).toBe(0o600);
  expect(await readFile(settings, 'utf8')).not.toContain('secret');
  expect((await stat(host.stateDir)).mode & 0o777).toBe(0o700);

  const nested = join(host.folder, 'a', 'state');
  await host.command('install', env, ...HUB, '--force', '--state-dir', nested);
  // The account of a service must get through to a folder that is its own alone.
  expect((await stat(join(host.folder, 'a'))).mode & 0o777).toBe(0o755);
  expect((await stat(nested)).mode & 0o777).toBe(0o700);

  await writeFile(unit, '[Service]\n');
  expect(await host.command('install', env, ...HUB)).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `arw-reporter: ${unit} is there and differs; --force replaces it, --dry-run shows what would be written\n`,
  });
  expect(await readFile(unit, 'utf8')).toBe('[Service]\n');
  expect(await host.command('install', env, ...HUB, '--force')).toMatchObject({ exitCode: 0 });
  expect(await readFile(unit, 'utf8')).toContain('Type=notify');
});

test('is not started while a key that its manifest names is missing, and hands on one that is there', async () => {
  const host = await Host.prepare();
  const manifest = join(host.folder, 'keys.toml');
  await writeFile(manifest, 'version = 1\n[gateway]\napi_key_env = "GATEWAY_KEY"\n');
  const config = join(host.folder, 'config');
  const env = { XDG_CONFIG_HOME: config, ARW_MANIFEST: manifest };
  const settings = join(config, 'runtime-matrix', 'arw-reporter.env');
  const without = await host.command('install', env, ...HUB, '--force', '--now');
  expect(without).toMatchObject({
    exitCode: 1,
    stderr: `arw-reporter: it is not started: ${settings} lacks GATEWAY_KEY; do what is next\n`,
  });
  expect(without.stdout).toContain(`${settings}   # add GATEWAY_KEY="..."`);

  const given = { ...env, GATEWAY_KEY: 'sk-local' };
  expect(await host.command('install', given, ...HUB, '--force')).toMatchObject({ exitCode: 0 });
  expect(await readFile(settings, 'utf8')).toContain('GATEWAY_KEY="sk-local"\n');
  const shown = await host.command('install', given, ...HUB, '--dry-run');
  expect(shown.stdout).toContain('GATEWAY_KEY="..."\n');
});

test('a system service needs an account that there is', async () => {
  const host = await Host.prepare();
  const as = ['--run-as', 'no-such-account-here'];
  expect(await host.command('install', {}, '--system', ...as, ...HUB, '--dry-run')).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'arw-reporter: there is no account "no-such-account-here" on this host; make it (useradd --system), or name another\n',
  });
});

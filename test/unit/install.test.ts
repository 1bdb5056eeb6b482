// The unit and the settings that `arw-reporter install` writes: what a service must have, and nothing secret.

import { describe, expect, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { keyVariablesOf, planInstall, type InstallOptions } from '../../reporter/install/plan.ts';

const OPTIONS: InstallOptions = {
  scope: 'user',
  node: 'gpu-01',
  hub: new URL('https://hub.example/'),
  manifestPath: '/home/u/.config/runtime-matrix/runtimes.toml',
  stateDir: '/home/u/.local/state/runtime-matrix/gpu-01',
  configHome: '/home/u/.config',
  program: ['/usr/bin/node', '/usr/lib/node_modules/runtime-matrix/dist/arw-reporter.js'],
  account: undefined,
  env: { PATH: '/usr/bin:/bin', ARW_JOIN_TOKEN: 'secret', LLAMA_SERVER_BIN: '/opt/llama-server' },
  enrolled: true,
  keyVariables: [],
};
const SYSTEM = {
  scope: 'system',
  account: { name: 'llm', uid: 990, gid: 990, home: '/srv/llm' },
  stateDir: '/var/lib/runtime-matrix/gpu-01',
} as const;
const settingsOf = (text: string): string[] => text.split('\n').filter((line) => /^[A-Z]/.test(line));

test('a service of a user', () => {
  const { unit, environment, next } = planInstall(OPTIONS);
  expect(unit.path).toBe('/home/u/.config/systemd/user/arw-reporter.service');
  expect(settingsOf(unit.text)).toEqual([
    'Description=Runtime Matrix reporter: supervises local inference',
    'RequiresMountsFor=/home/u/.local/state/runtime-matrix/gpu-01',
    'StartLimitIntervalSec=0',
    'Type=notify',
    'NotifyAccess=all',
    'ExecStart=/usr/bin/node /usr/lib/node_modules/runtime-matrix/dist/arw-reporter.js run',
    'ExecReload=/bin/kill -HUP $MAINPID',
    'EnvironmentFile=/home/u/.config/runtime-matrix/arw-reporter.env',
    'KillMode=process',
    'OOMPolicy=continue',
    'Restart=always',
    'RestartSec=2',
    'RestartPreventExitStatus=2',
    'WatchdogSec=60',
    'TimeoutStartSec=60',
    'TimeoutStopSec=20',
    'TasksMax=infinity',
    'LimitNOFILE=65536',
    'NoNewPrivileges=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'UMask=0077',
    'WantedBy=default.target',
  ]);
  expect(environment.mode).toBe(0o600);
  expect(settingsOf(environment.text)).toEqual([
    'ARW_HUB_URL="https://hub.example/"',
    'ARW_NODE_ID="gpu-01"',
    'ARW_MANIFEST="/home/u/.config/runtime-matrix/runtimes.toml"',
    'ARW_STATE_DIR="/home/u/.local/state/runtime-matrix/gpu-01"',
    'PATH="/usr/bin:/bin"',
    'LLAMA_SERVER_BIN="/opt/llama-server"',
  ]);
  expect(next[0]).toBe('systemctl --user daemon-reload && systemctl --user enable --now arw-reporter');
});

test('a service of the system: under an account, read-only but for what is named, GPUs in reach', () => {
  const { unit, environment, next } = planInstall({ ...OPTIONS, ...SYSTEM });
  expect(unit.path).toBe('/etc/systemd/system/arw-reporter.service');
  expect(environment.path).toBe('/etc/runtime-matrix/arw-reporter.env');
  expect(settingsOf(unit.text)).toEqual(
    expect.arrayContaining([
      'After=network-online.target',
      'User=llm',
      'ProtectSystem=strict',
      'ReadWritePaths=/var/lib/runtime-matrix/gpu-01 /tmp /var/tmp',
      'ProtectHome=read-only',
      'ReadWritePaths=-/srv/llm/.cache -/srv/llm/.nv',
      'WantedBy=multi-user.target',
    ]),
  );
  expect(settingsOf(unit.text).join('\n')).not.toMatch(/PrivateDevices|DevicePolicy|PrivateTmp|MemoryDeny/);
  // bubblewrap gets no /proc where these mount over a part of it, and systemd 251 hides GPUs with the last.
  expect(settingsOf(unit.text).join('\n')).not.toMatch(/KernelLogs|Hostname|KernelTunables|ProtectClock/);
  expect(next).toEqual([
    'systemctl daemon-reload && systemctl enable --now arw-reporter',
    'sudo arw-reporter status --state-dir /var/lib/runtime-matrix/gpu-01',
  ]);
});

describe('the join token', () => {
  test('is in no file', () => {
    const { unit, environment } = planInstall({ ...OPTIONS, enrolled: false });
    expect(unit.text + environment.text).not.toContain('secret');
  });
  test('is asked for first where the node is not enrolled, under the account of the service', () => {
    expect(planInstall({ ...OPTIONS, ...SYSTEM, enrolled: false }).next[0]).toBe(
      'sudo -u llm env ARW_JOIN_TOKEN=... arw-reporter enroll --hub https://hub.example/ --node gpu-01 --state-dir /var/lib/runtime-matrix/gpu-01',
    );
  });
});

describe('what the service needs of the environment', () => {
  const env = { ...OPTIONS.env, ARW_GATEWAY_PORT: '9000', GATEWAY_KEY: 'sk-1' };
  const keyVariables = ['GATEWAY_KEY', 'CLOUD_KEY'];

  test('is handed on where it is set: the port of the gateway, and the keys that the manifest names', () => {
    const { environment } = planInstall({ ...OPTIONS, env, keyVariables });
    expect(settingsOf(environment.text)).toEqual(
      expect.arrayContaining(['ARW_GATEWAY_PORT="9000"', 'GATEWAY_KEY="sk-1"']),
    );
    expect(environment.mode).toBe(0o600);
  });

  test('is asked for where it is not, before the start', () => {
    const { next, missingKeys } = planInstall({ ...OPTIONS, env, keyVariables });
    expect(missingKeys).toEqual(['CLOUD_KEY']);
    expect(next.slice(0, 2)).toEqual([
      '"${EDITOR:-vi}" /home/u/.config/runtime-matrix/arw-reporter.env   # add CLOUD_KEY="...", a key that the manifest names',
      'systemctl --user daemon-reload && systemctl --user enable --now arw-reporter',
    ]);
    expect(planInstall({ ...OPTIONS, ...SYSTEM, env, keyVariables }).next[0]).toMatch(
      /^sudoedit \/etc\/runtime-matrix\/arw-reporter\.env {3}#/,
    );
  });

  test('is what the manifest names and uses', () => {
    const url = 'https://api.example/v1';
    const remote = (id: string, key: string, optIn: boolean): RuntimeEntry => ({
      id,
      adapter: 'remote',
      process: {},
      remote: { url, api_key_env: key, opt_in: optIn },
    });
    const runtimes = [remote('a', 'A_KEY', true), remote('b', 'B_KEY', false), remote('c', 'A_KEY', true)];
    const gateway = { api_key_env: 'GATEWAY_KEY' };
    expect(keyVariablesOf({ version: 1, gateway, runtimes })).toEqual(['GATEWAY_KEY', 'A_KEY']);
    const off = { ...gateway, enabled: false };
    expect(keyVariablesOf({ version: 1, gateway: off, runtimes: [] })).toEqual([]);
  });
});

test('paths with spaces, percent signs and dollars stay what they are', () => {
  const { unit, environment } = planInstall({
    ...OPTIONS,
    program: ['/opt/my node/bin/node', '/opt/100%/$x.js'],
    stateDir: '/srv/a b',
    manifestPath: '/srv/"quoted"/$HOME.toml',
  });
  expect(unit.text).toContain('ExecStart="/opt/my node/bin/node" /opt/100%%/$$x.js run\n');
  expect(unit.text).toContain('RequiresMountsFor="/srv/a b"\n');
  expect(environment.text).toContain('ARW_MANIFEST="/srv/\\"quoted\\"/\\$HOME.toml"\n');
});

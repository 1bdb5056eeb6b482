// The settings of a reporter: flags before environment before defaults, and each fault in one sentence.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig, type Flags } from '../../reporter/config.ts';

const HUB = 'https://hub.example';
type Environment = Record<string, string | undefined>;

function faultOf(flags: Flags, env: Environment): string {
  try {
    readConfig(flags, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'none';
}

describe('defaults', () => {
  const config = readConfig({ hub: HUB, node: 'gpu-01' }, {});
  test('a budget of 3 restarts in 600 s, llama-server on the PATH, no join token', () => {
    expect(config).toMatchObject({
      restart: { maxRestarts: 3, windowSeconds: 600 },
      llamaServer: 'llama-server',
      joinToken: undefined,
    });
  });
  test('files under the home of the user, the state apart for each node', () => {
    expect(config.manifestPath).toBe(join(homedir(), '.config/runtime-matrix/runtimes.toml'));
    expect(config.stateDir).toBe(join(homedir(), '.local/state/runtime-matrix/gpu-01'));
  });
  test('the node is the hostname, or local', () => {
    expect(readConfig({ hub: HUB }, {}).node).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);
  });
});

test('the environment is read', () => {
  const env = {
    ARW_HUB_URL: 'http://127.0.0.1:8787',
    ARW_NODE_ID: 'mac-mini',
    ARW_JOIN_TOKEN: 'secret',
    ARW_STATE_DIR: '/var/lib/arw',
    ARW_MANIFEST: '/etc/runtimes.toml',
    LLAMA_SERVER_BIN: '/opt/llama-server',
    ARW_RUNTIME_RESTART_MAX: '0',
    ARW_RUNTIME_RESTART_WINDOW_SEC: '60',
  };
  expect(readConfig({}, env)).toEqual({
    hub: new URL('http://127.0.0.1:8787/'),
    node: 'mac-mini',
    manifestPath: '/etc/runtimes.toml',
    stateDir: '/var/lib/arw',
    stopChildren: false,
    joinToken: 'secret',
    llamaServer: '/opt/llama-server',
    restart: { maxRestarts: 0, windowSeconds: 60 },
  });
});

test('flags come before the environment', () => {
  const env = { ARW_HUB_URL: 'http://a', ARW_NODE_ID: 'a', ARW_STATE_DIR: '/a', ARW_MANIFEST: '/a.toml' };
  const flags = { hub: 'http://b', node: 'b', stateDir: '/b', manifest: '/b.toml' };
  expect(readConfig(flags, env)).toMatchObject({
    hub: new URL('http://b/'),
    node: 'b',
    stateDir: '/b',
    manifestPath: '/b.toml',
  });
});

test('folders of the desktop standard are used', () => {
  const env = { XDG_STATE_HOME: '/state', XDG_CONFIG_HOME: '/config' };
  expect(readConfig({ hub: HUB, node: 'n' }, env)).toMatchObject({
    stateDir: '/state/runtime-matrix/n',
    manifestPath: '/config/runtime-matrix/runtimes.toml',
  });
});

test('what is set to nothing is not set', () => {
  const env = { ARW_NODE_ID: ' ', ARW_JOIN_TOKEN: '', ARW_RUNTIME_RESTART_MAX: '', LLAMA_SERVER_BIN: '' };
  expect(readConfig({ hub: HUB, node: 'n' }, env)).toMatchObject({
    joinToken: undefined,
    llamaServer: 'llama-server',
    restart: { maxRestarts: 3 },
  });
});

test.each([
  ['https://hub.example', 'https://hub.example/nodes/enroll'],
  ['https://hub.example/', 'https://hub.example/nodes/enroll'],
  ['https://example.org/matrix', 'https://example.org/matrix/nodes/enroll'],
])('paths are put under %s', (hub, path) => {
  expect(new URL('nodes/enroll', readConfig({ hub, node: 'n' }, {}).hub).href).toBe(path);
});

describe('faults', () => {
  const looks = 'is no hub URL; it looks like https://hub.example or http://127.0.0.1:8787';
  test.each<[string, Flags, Environment, string]>([
    ['no hub', {}, {}, 'no hub is named; set --hub URL or ARW_HUB_URL'],
    ['a hub without its scheme', { hub: 'hub.example' }, {}, `"hub.example" ${looks}`],
    ['a hub with a port and no scheme', { hub: 'localhost:8787' }, {}, `"localhost:8787" ${looks}`],
    ['a hub of another kind', { hub: 'ws://hub' }, {}, `"ws://hub" ${looks}`],
    [
      'a node with a slash',
      { hub: HUB, node: 'a/b' },
      {},
      'node id "a/b" must be 1-63 letters, digits, ".", "_" or "-"; set --node or ARW_NODE_ID',
    ],
    [
      'restarts in words',
      { hub: HUB },
      { ARW_RUNTIME_RESTART_MAX: 'three' },
      'ARW_RUNTIME_RESTART_MAX="three" must be a whole number from 0 to 1000',
    ],
    [
      'fewer restarts than none',
      { hub: HUB },
      { ARW_RUNTIME_RESTART_MAX: '-1' },
      'ARW_RUNTIME_RESTART_MAX="-1" must be a whole number from 0 to 1000',
    ],
    [
      'a window of nothing',
      { hub: HUB },
      { ARW_RUNTIME_RESTART_WINDOW_SEC: '0' },
      'ARW_RUNTIME_RESTART_WINDOW_SEC="0" must be a whole number from 1 to 2592000',
    ],
    [
      'a window beyond the calendar',
      { hub: HUB },
      { ARW_RUNTIME_RESTART_WINDOW_SEC: '1000000000000000' },
      'ARW_RUNTIME_RESTART_WINDOW_SEC="1000000000000000" must be a whole number from 1 to 2592000',
    ],
  ])('%s', (_what, flags, env, fault) => {
    expect(faultOf({ node: 'n', ...flags }, env)).toBe(fault);
  });
});

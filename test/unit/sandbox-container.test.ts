// The command line of podman and docker, word by word.

import { describe, expect, test } from 'vitest';
import {
  containerArgs,
  type ContainerLaunch,
  type ContainerSettings,
  type Engine,
} from '../../reporter/sandbox/container-args.ts';

const SETTINGS: ContainerSettings = {
  name: 'arw-gpu-01-llama',
  image: 'ghcr.io/ggml-org/llama.cpp:server',
  entrypoint: undefined,
  read: ['/models'],
  write: [],
  devices: undefined,
  stopGraceMs: 5_000,
};
const LAUNCH: ContainerLaunch = {
  host: '127.0.0.1',
  port: 8081,
  args: ['-m', '/models/a.gguf', '--host', '127.0.0.1', '--port', '8081'],
  env: [],
  workdir: undefined,
};

function words(
  engine: Engine,
  settings: Partial<ContainerSettings> = {},
  launch: Partial<ContainerLaunch> = {},
  user = { uid: 1000, gid: 1000 },
): string {
  return containerArgs(engine, { ...SETTINGS, ...settings }, { ...LAUNCH, ...launch }, user).join(' ');
}

test('the whole line for podman', () => {
  expect(words('podman')).toBe(
    'run --rm --init --name=arw-gpu-01-llama' +
      ' --read-only --tmpfs /tmp --cap-drop=ALL --security-opt=no-new-privileges --log-driver=none' +
      ' --stop-timeout=5 --publish=127.0.0.1:8081:8081 --userns=keep-id --volume /models:/models:ro --env HOME=/tmp' +
      ' ghcr.io/ggml-org/llama.cpp:server -m /models/a.gguf --host 0.0.0.0 --port 8081',
  );
});

test('the whole line for docker with everything that can be asked for', () => {
  const settings = {
    entrypoint: '/app/server',
    write: ['/cache'],
    devices: 'gpu_cuda',
    stopGraceMs: 1_500,
  } as const;
  const launch = { host: '::1', args: ['--host=::1'], env: ['API_KEY'], workdir: '/srv' };
  expect(words('docker', settings, launch)).toBe(
    'run --rm --init --name=arw-gpu-01-llama' +
      ' --read-only --tmpfs /tmp --cap-drop=ALL --security-opt=no-new-privileges --log-driver=none' +
      ' --stop-timeout=2 --publish=[::1]:8081:8081 --user 1000:1000 --gpus all --volume /models:/models:ro' +
      ' --volume /cache:/cache --env HOME=/tmp --env API_KEY --workdir /srv --entrypoint /app/server' +
      ' ghcr.io/ggml-org/llama.cpp:server --host=0.0.0.0',
  );
});

describe('devices', () => {
  test.each([
    ['podman', 'gpu_cuda', '--device nvidia.com/gpu=all'],
    ['docker', 'gpu_cuda', '--gpus all'],
    ['podman', 'gpu_rocm', '--device /dev/kfd --device /dev/dri --group-add keep-groups'],
    ['docker', 'gpu_rocm', '--device /dev/kfd --device /dev/dri --group-add video'],
    ['docker', 'gpu_vulkan', '--device /dev/dri --group-add video'],
    ['podman', 'npu_other', '--device /dev/accel --group-add keep-groups'],
  ] as const)('%s, %s', (engine, devices, expected) => {
    expect(words(engine, { devices })).toContain(` ${expected} `);
  });

  test('none are given where none are asked for', () => {
    expect(words('docker')).not.toMatch(/--gpus|--device/);
  });
});

test('root stays root, which has no capabilities inside', () => {
  expect(words('docker', {}, {}, { uid: 0, gid: 0 })).not.toContain('--user');
});

test('a folder that is named twice is given once', () => {
  expect(words('podman', { read: ['/models', '/models'] }).match(/--volume/g)).toHaveLength(1);
});

// The command line of bubblewrap, word by word, and what a sandboxed server gets of the environment.

import { describe, expect, test } from 'vitest';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { bwrapArgs } from '../../reporter/sandbox/program/bwrap-args.ts';
import { sandboxEnvironment } from '../../reporter/sandbox/program/environment.ts';
import { parsePlan, type Plan } from '../../reporter/sandbox/program/plan.ts';
import { sandboxesOf } from '../../reporter/sandbox/sandboxes.ts';
import { fakeHostFiles } from '../support/fake-host-files.ts';

const PLAN: Plan = {
  host: '127.0.0.1',
  port: 8081,
  socketDir: '/state/sandboxes/llama',
  read: [],
  write: [],
  devices: false,
  workdir: false,
  env: [],
};
const HOST = fakeHostFiles({
  '/bin': '-> usr/bin',
  '/lib': '-> usr/lib',
  '/dev/nvidia0': '',
  '/dev/nvidia-uvm': '',
  '/dev/nvidiactl': '',
  '/dev/dri/card0': '',
  '/dev/kfd': '',
  '/dev/sda': '',
  '/dev/nvme0': '',
});

/** `--option a b` as one line each. */
function lines(plan: Partial<Plan>, visible: string[] = [], cwd = '/home/u'): string[] {
  const words = bwrapArgs({ ...PLAN, ...plan }, { visible, cwd }, HOST);
  return words.join(' ').split(/ (?=--)/);
}

test('the whole line for a server with one model folder', () => {
  expect(lines({}, ['/models'])).toMatchInlineSnapshot(`
    [
      "--unshare-all",
      "--die-with-parent",
      "--cap-drop ALL",
      "--ro-bind-try /usr /usr",
      "--ro-bind-try /opt /opt",
      "--ro-bind-try /nix/store /nix/store",
      "--ro-bind-try /gnu/store /gnu/store",
      "--symlink usr/bin /bin",
      "--ro-bind-try /sbin /sbin",
      "--symlink usr/lib /lib",
      "--ro-bind-try /lib32 /lib32",
      "--ro-bind-try /lib64 /lib64",
      "--ro-bind-try /libx32 /libx32",
      "--ro-bind-try /etc/ld.so.cache /etc/ld.so.cache",
      "--ro-bind-try /etc/ld.so.conf /etc/ld.so.conf",
      "--ro-bind-try /etc/ld.so.conf.d /etc/ld.so.conf.d",
      "--ro-bind-try /etc/alternatives /etc/alternatives",
      "--ro-bind-try /etc/passwd /etc/passwd",
      "--ro-bind-try /etc/group /etc/group",
      "--ro-bind-try /etc/hosts /etc/hosts",
      "--ro-bind-try /etc/nsswitch.conf /etc/nsswitch.conf",
      "--ro-bind-try /etc/localtime /etc/localtime",
      "--ro-bind-try /etc/timezone /etc/timezone",
      "--ro-bind-try /etc/os-release /etc/os-release",
      "--ro-bind-try /etc/ssl/certs /etc/ssl/certs",
      "--ro-bind-try /etc/OpenCL /etc/OpenCL",
      "--ro-bind-try /etc/vulkan /etc/vulkan",
      "--ro-bind-try /etc/glvnd /etc/glvnd",
      "--ro-bind-try /etc/nvidia /etc/nvidia",
      "--proc /proc",
      "--dev /dev",
      "--tmpfs /tmp",
      "--tmpfs /var/tmp",
      "--dir /run",
      "--ro-bind-try /sys/devices/system /sys/devices/system",
      "--ro-bind-try /models /models",
      "--dir /home/u",
      "--ro-bind /state/sandboxes/llama /run/arw",
      "--remount-ro /",
      "--chdir /home/u",
    ]
  `);
});

describe('what is asked for', () => {
  test('devices: the cards of this host and what drivers read of the system, no other device', () => {
    const added = lines({ devices: true }).filter((line) => !lines({}).includes(line));
    expect(added.filter((line) => line.startsWith('--dev-bind'))).toEqual([
      '--dev-bind-try /dev/dri /dev/dri',
      '--dev-bind-try /dev/kfd /dev/kfd',
      '--dev-bind-try /dev/nvidia-uvm /dev/nvidia-uvm',
      '--dev-bind-try /dev/nvidia0 /dev/nvidia0',
      '--dev-bind-try /dev/nvidiactl /dev/nvidiactl',
    ]);
    expect(added).toContain('--ro-bind-try /sys/class/drm /sys/class/drm');
    expect(added.filter((line) => line.startsWith('--bind'))).toEqual([]);
  });

  test('a writable folder within a read-only one comes after it', () => {
    const own = lines({ read: ['/data'], write: ['/data/cache'] }, ['/data/a']).filter((line) =>
      / \/data/.test(line),
    );
    expect(own).toEqual([
      '--ro-bind /data /data',
      '--ro-bind-try /data/a /data/a',
      '--bind /data/cache /data/cache',
    ]);
  });

  test('a folder that is both is writable', () => {
    const own = lines({ write: ['/data'] }, ['/data']).filter((line) => line.includes('/data'));
    expect(own).toEqual(['--ro-bind-try /data /data', '--bind /data /data']);
  });

  test("the manifest's working directory is shown, the reporter's is an empty folder", () => {
    expect(lines({ workdir: true }, [], '/srv/llama')).toContain('--ro-bind /srv/llama /srv/llama');
    expect(lines({}, [], '/home/u').filter((line) => line.includes('/home'))).toEqual([
      '--dir /home/u',
      '--chdir /home/u',
    ]);
  });
});

test('a server gets what programs and cards need, what its manifest sets, and nothing else', () => {
  const inherited = {
    PATH: '/usr/bin',
    HOME: '/home/u',
    LANG: 'C.UTF-8',
    CUDA_VISIBLE_DEVICES: '0',
    HSA_OVERRIDE_GFX_VERSION: '11.0.0',
    LD_LIBRARY_PATH: '/opt/cuda/lib64',
    AWS_SECRET_ACCESS_KEY: 'secret',
    SSH_AUTH_SOCK: '/run/user/1/agent',
    HF_TOKEN: 'secret',
    MY_SETTING: 'of the manifest',
    UNSET: undefined,
  };
  expect(sandboxEnvironment(inherited, ['MY_SETTING'])).toEqual({
    HOME: '/tmp',
    PATH: '/usr/bin',
    LANG: 'C.UTF-8',
    CUDA_VISIBLE_DEVICES: '0',
    HSA_OVERRIDE_GFX_VERSION: '11.0.0',
    LD_LIBRARY_PATH: '/opt/cuda/lib64',
    MY_SETTING: 'of the manifest',
  });
  expect(sandboxEnvironment({ HOME: '/data' }, ['HOME'])).toEqual({ HOME: '/data' });
});

const ENTRY: RuntimeEntry = {
  id: 'llama:70b',
  adapter: 'llama.cpp',
  accelerator: 'gpu_cuda',
  sandbox: { kind: 'bwrap', read: ['/lora'] },
  process: {},
};
const SPEC = {
  command: 'llama-server',
  args: ['-m', '/m.gguf'],
  env: { KEY: 'secret' },
  workdir: undefined,
};
const ENDPOINT = { origin: 'http://[::1]:8081', headers: {} };
const OPTIONS = { node: 'gpu-01', stateDir: '/state', stopGraceMs: 5000 };

const devicesOf = (changed: Partial<RuntimeEntry>): boolean => {
  const launch = sandboxesOf({ ...ENTRY, ...changed }, OPTIONS)('bwrap').confine(SPEC, ENDPOINT);
  return parsePlan(launch.asked?.[0]).devices;
};

describe('the plan', () => {
  test('says where the server is, what it may see and which variables are its own, never their values', () => {
    const launch = sandboxesOf(ENTRY, OPTIONS)(undefined).confine(SPEC, ENDPOINT);
    expect(parsePlan(launch.asked?.[0])).toEqual({
      host: '::1',
      port: 8081,
      socketDir: '/state/sandboxes/llama_70b',
      read: ['/lora'],
      write: [],
      devices: true,
      workdir: false,
      env: ['KEY'],
    });
    expect(launch.args.slice(-3)).toEqual(['llama-server', '-m', '/m.gguf']);
    expect(launch.args.join(' ')).not.toContain('secret');
    expect(launch.env).toEqual(SPEC.env);
  });

  test('devices are asked for by the accelerator, unless the manifest says otherwise', () => {
    expect(devicesOf({ accelerator: 'npu_other' })).toBe(true);
    expect(devicesOf({ accelerator: 'cpu' })).toBe(false);
    expect(devicesOf({ accelerator: undefined })).toBe(false);
    expect(devicesOf({ sandbox: { devices: false } })).toBe(false);
    expect(devicesOf({ accelerator: 'cpu', sandbox: { devices: true } })).toBe(true);
  });

  test('is known by what was asked for, where its program has moved', () => {
    const sandbox = sandboxesOf(ENTRY, OPTIONS)(undefined);
    const asked = ['arw-onnx-host', '--model', '/m.onnx'];
    const launch = sandbox.confine(
      { ...SPEC, command: '/old/node', args: ['/old/host.js'], asked },
      ENDPOINT,
    );
    expect(launch.args.slice(-2)).toEqual(['/old/node', '/old/host.js']);
    const moved = { ...SPEC, command: '/new/node', args: ['/new/host.js'], asked };
    expect(sandbox.asked(moved, ENDPOINT)).toEqual(launch.asked);
  });

  test('that is none of this release is refused', () => {
    expect(() => parsePlan('{"host":"127.0.0.1"}')).toThrow('not one of this release');
    expect(() => parsePlan(undefined)).toThrow('JSON');
  });
});

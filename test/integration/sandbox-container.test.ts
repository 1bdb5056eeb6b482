// A server in a container, with a program in the engine's place that behaves as podman and docker are documented to.

import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { redactor } from '../../reporter/logs/redaction.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';
import { containerSandbox, type ContainerOptions } from '../../reporter/sandbox/container.ts';
import { sandboxesOf } from '../../reporter/sandbox/sandboxes.ts';
import { RuntimeLog } from '../../reporter/supervisor/logs.ts';
import { RuntimeMemory } from '../../reporter/supervisor/memory.ts';
import { RuntimeLoop } from '../../reporter/supervisor/runtime-loop.ts';
import { POLICY } from '../support/machine-driver.ts';
import { RecordedLog } from '../support/recorded-log.ts';
import { eventually } from '../support/eventually.ts';
import { processesWith } from '../support/processes.ts';
import { STUB, SupervisedStub, type SupervisedOptions } from '../support/supervised-stub.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const ENGINE = fileURLToPath(new URL('../fixtures/programs/container-engine.ts', import.meta.url));
const IMAGE = `image:${STUB}`;
const NAME = 'arw-gpu-01-llama_stub';
const ENDPOINT = { origin: 'http://127.0.0.1:8081', headers: {} };
const SPEC = { command: 'llama-server', args: [], env: {}, workdir: undefined };

const OPTIONS: ContainerOptions = {
  name: NAME,
  image: IMAGE,
  entrypoint: undefined,
  read: [],
  write: [],
  devices: undefined,
  stopGraceMs: 5_000,
};

/** A PATH on which the fake engine is the only one, under this name; what it was called with is in `calls`. */
async function engineNamed(
  ...names: string[]
): Promise<{ folder: string; calls: () => Promise<string[][]> }> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'bin'));
  for (const name of names) {
    const file = join(folder, 'bin', name);
    await writeFile(file, `#!/bin/sh\nexec "${process.execPath}" "${ENGINE}" "$@"\n`);
    await chmod(file, 0o755);
  }
  vi.stubEnv('PATH', `${join(folder, 'bin')}:/usr/bin-of-no-engine`);
  vi.stubEnv('FAKE_ENGINE', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const calls = async (): Promise<string[][]> => {
    const lines = (await readFile(join(folder, 'calls'), 'utf8')).trim().split('\n');
    return lines.map((line) => v.parse(v.array(v.string()), JSON.parse(line)));
  };
  return { folder, calls };
}

function contained(options: SupervisedOptions = {}): SupervisedOptions {
  // The image brings the program: that the host has none must not matter.
  return {
    lead: [],
    command: () => 'no-such-program',
    sandbox: { kind: 'container', image: IMAGE },
    ...options,
  };
}

async function nothingLeft(stub: SupervisedStub): Promise<void> {
  await eventually('no container', async () => (await processesWith(stub.modelPath)).length === 0);
}

describe('a supervised runtime', () => {
  test('is ready in its container, with the model folder read-only, and ends with an orderly stop', async () => {
    const { calls } = await engineNamed('podman', 'docker');
    const stub = await SupervisedStub.ready(contained());
    expect(stub.loop.record().descriptor.sandbox).toBe('container');
    const run = (await calls()).find(([command]) => command === 'run')?.join(' ');
    expect(run).toContain(` --volume ${stub.folder}:${stub.folder}:ro `);
    expect(run).toContain(` --publish=127.0.0.1:${stub.port}:${stub.port} `);
    expect(run).toContain(` ${IMAGE} -m ${stub.modelPath} `);

    await stub.shutdown();
    expect(stub.status).toMatchObject({ state: 'offline', last_exit: { code: 0 } });
    await nothingLeft(stub);
  });

  test('whose client is killed is removed, and started anew under its budget', async () => {
    await engineNamed('docker');
    const stub = await SupervisedStub.ready(contained());
    const first = stub.pid;
    process.kill(first, 'SIGKILL');
    await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready again');
    expect(stub.status).toMatchObject({ restarts_total: 1, restart_budget: { used: 1 } });
    // The client and the container; the killed client's container would be a third.
    expect(await processesWith(`${STUB} -m ${stub.modelPath}`)).toHaveLength(2);
  });

  test('that does not heed SIGTERM is gone too once it counts as stopped', async () => {
    await engineNamed('docker');
    const stub = await SupervisedStub.ready(
      contained({ args: ['--ignore-sigterm'], policy: { stopGraceMs: 100 } }),
    );
    expect(await stub.shutdown()).toMatchObject({ ok: true });
    await nothingLeft(stub);
  });

  test('clears away the container that an earlier launch left', async () => {
    const { calls } = await engineNamed('docker');
    await SupervisedStub.ready(contained());
    const commands = (await calls()).map((words) => words.join(' '));
    expect(commands.slice(0, 2)).toEqual(['version', `rm --force ${NAME}`]);
  });

  test('that crashes is told at once, and is launched anew when its container is gone', async () => {
    const { folder, calls } = await engineNamed('docker');
    const stub = await SupervisedStub.ready(contained());
    const removals = async (): Promise<number> =>
      (await calls()).filter(([command]) => command === 'rm').length;
    await writeFile(join(folder, 'hold'), '');
    process.kill(stub.pid, 'SIGKILL');
    await stub.statusWhere(({ pid }) => pid === undefined, 'the crash is told');
    await eventually('the removal began', async () => (await removals()) === 2);
    expect(stub.status.state).not.toBe('ready');

    await rm(join(folder, 'hold'));
    await stub.statusWhere(({ state }) => state === 'ready', 'ready again');
    // The next launch has not looked at the port while the container still held it.
    expect(stub.log.text()).not.toContain('is in use');
    expect(await processesWith(`${STUB} -m ${stub.modelPath}`)).toHaveLength(2);
  });

  test('whose manifest takes it out of its container leaves none behind, also when its client had to be killed', async () => {
    await engineNamed('docker');
    const policy = { ...POLICY, stopGraceMs: 100 };
    const stub = await SupervisedStub.ready(contained({ args: ['--ignore-sigterm'], policy }));
    const args = [STUB, '-m', stub.modelPath, '--port', String(stub.port)];
    const entry: RuntimeEntry = {
      id: 'llama:stub',
      adapter: 'llama.cpp',
      process: { command: process.execPath, args },
    };
    const sandbox = sandboxesOf(entry, { node: 'gpu-01', stateDir: stub.folder, stopGraceMs: 100 });
    const first = stub.pid;
    stub.loop.replace({ backend: makeBackend(entry, { llamaServer: 'x' }), policy, sandbox }, true);
    await stub.statusWhere(({ state, pid }) => state === 'ready' && pid !== first, 'ready outside');
    expect(stub.loop.record().descriptor.sandbox).toBe('none');
    expect(await processesWith(`${STUB} -m ${stub.modelPath}`)).toHaveLength(1);
  });

  test('whose client ended while no reporter was there leaves no container, whatever the manifest says by now', async () => {
    const { calls } = await engineNamed('podman');
    const folder = await temporaryFolder();
    const memory = new RuntimeMemory(folder, 'llama:stub');
    const gone = { pid: process.pid, start: '1', command: 'podman', args: [], started_at_ms: 1 };
    const child = { ...gone, log_start_bytes: 0, confined_in: 'container' as const };
    memory.save({ spent_at_ms: [], restarts_total: 0, child });
    const entry: RuntimeEntry = { id: 'llama:stub', adapter: 'llama.cpp', process: {} };
    const loop = new RuntimeLoop({
      backend: makeBackend(entry, { llamaServer: 'x' }),
      policy: POLICY,
      sandbox: sandboxesOf(entry, { node: 'gpu-01', stateDir: folder, stopGraceMs: 100 }),
      output: new RuntimeLog(folder, entry.id, () => redactor([])),
      memory,
      log: new RecordedLog(),
      onMaterialChange: () => undefined,
    });
    await loop.adopt();
    const removed = await eventually('the removal', async () =>
      (await calls().catch(() => [])).find(([command]) => command === 'rm'),
    );
    expect(removed).toEqual(['rm', '--force', '--time', '0', NAME]);
  });
});

describe('a left-over container is removed', () => {
  test('by an older podman, which knows no --time', async () => {
    const { calls } = await engineNamed('podman');
    vi.stubEnv('FAKE_ENGINE_OLD', '1');
    await containerSandbox(OPTIONS).clear();
    expect(await calls()).toEqual([
      ['rm', '--force', '--time', '0', NAME],
      ['rm', '--force', NAME],
    ]);
  });

  test('from every engine that is here', async () => {
    const { calls } = await engineNamed('podman', 'docker');
    await containerSandbox(OPTIONS).clear();
    expect(await calls()).toHaveLength(2);
  });
});

function asked(more: Partial<ContainerOptions> = {}): readonly string[] {
  return containerSandbox({ ...OPTIONS, ...more }).asked(SPEC, ENDPOINT);
}

describe('what a later reporter knows it by', () => {
  test('is the same whichever engine there is, and however long a stop may take', async () => {
    await engineNamed('podman');
    expect(asked({ stopGraceMs: 60_000 })).toEqual(asked());
    expect(containerSandbox(OPTIONS).confine(SPEC, ENDPOINT).asked).toEqual(asked());
    await engineNamed('docker');
    expect(containerSandbox(OPTIONS).confine(SPEC, ENDPOINT).asked).toEqual(asked());
  });

  test('is another with another image or other devices', () => {
    expect(asked({ image: 'other' })).not.toEqual(asked());
    expect(asked({ devices: 'gpu_cuda' })).not.toEqual(asked());
  });
});

describe('what is missing is said', () => {
  test('no engine', async () => {
    await engineNamed();
    expect(await containerSandbox(OPTIONS).faults(SPEC, ENDPOINT)).toEqual([
      'Sandbox container needs podman or docker; install one (Debian: apt-get install podman), or use sandbox bwrap',
    ]);
  });

  test('an engine that does not run', async () => {
    await engineNamed('docker');
    vi.stubEnv('FAKE_ENGINE_DOWN', '1');
    expect(await containerSandbox(OPTIONS).faults(SPEC, ENDPOINT)).toEqual([
      'docker does not answer (Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?); start it and let this user use it',
    ]);
  });

  test('no image, which a switch may find out; and an address that is not of this host alone', async () => {
    await engineNamed('podman');
    const endpoint = { origin: 'http://192.0.2.1:8081', headers: {} };
    expect(await containerSandbox({ ...OPTIONS, image: undefined }).faults(SPEC, endpoint)).toEqual([
      'Sandbox container is reached on 127.0.0.1 only, not on 192.0.2.1; change --host or process.health.url, or use sandbox none',
      'Sandbox container needs an image; set image in [runtimes.sandbox]',
    ]);
  });
});

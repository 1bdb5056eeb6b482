// The reporter as a process, as its users run it: what it refuses to start with, what it outlives, and how it ends.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { describe, expect, onTestFinished, test } from 'vitest';
import { signedCommand } from '../support/commands.ts';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { COMMAND_KEY, FakeHub, JOIN_TOKEN } from '../support/fake-hub.ts';
import { environment, Host, NODE } from '../support/reporter-host.ts';
import type { Finished } from '../support/shell.ts';

/** How it ends where its settings cannot be used. */
const refusal = (sentence: string): Finished => ({
  exitCode: 2,
  stdout: '',
  stderr: `arw-reporter: ${sentence}\n`,
});

const nowhere = async (): Promise<URL> => new URL(`http://127.0.0.1:${await freePort()}/`);

describe('settings that cannot be used: exit code 2 and one sentence', () => {
  const hub = { ARW_HUB_URL: 'http://127.0.0.1:9/', ARW_JOIN_TOKEN: JOIN_TOKEN };

  test('a typo in the manifest', async () => {
    const host = await Host.prepare(
      'version = 1\n[[runtimes]]\nid = "llama"\nadapter = "llama.cpp"\n[runtimes.process]\nargz = ["-m", "x"]\n',
    );
    expect(await host.finish(hub)).toEqual(
      refusal(
        `${host.manifest}: runtimes[0] (llama).process.argz: is not a known key; ` +
          'check its spelling against the manifest reference',
      ),
    );
  });
  test('a manifest that is no TOML', async () => {
    const host = await Host.prepare('version = 1\nruntimes = [');
    const { exitCode, stderr } = await host.finish(hub);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^arw-reporter: \S+runtimes\.toml:2:\d+: not valid TOML: .+\n$/);
  });
  test('a missing manifest', async () => {
    const host = await Host.prepare();
    const missing = join(host.folder, 'nowhere.toml');
    expect(await host.finish(hub, '--manifest', missing)).toEqual(
      refusal(`${missing}: there is no such file; name another one with --manifest FILE`),
    );
  });
  test('no hub', async () => {
    const host = await Host.prepare();
    expect(await host.finish({})).toEqual(refusal('no hub is named; set --hub URL or ARW_HUB_URL'));
  });
  test('neither enrolled nor a join token', async () => {
    const host = await Host.prepare();
    expect(await host.finish({ ARW_HUB_URL: 'http://127.0.0.1:9/' })).toEqual(
      refusal(
        'node "gpu-01" is not enrolled at http://127.0.0.1:9/; ' +
          'get a join token from its operator (arw-cli join-token) and set ARW_JOIN_TOKEN',
      ),
    );
  });
  test('a state directory that cannot be written', async () => {
    const host = await Host.prepare();
    // A folder where the journal's draft would be stands in the way of every user, root too.
    await mkdir(join(host.stateDir, 'commands.ndjson.new'), { recursive: true });
    const { exitCode, stderr } = await host.finish(hub);
    expect(exitCode).toBe(2);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/ info {2}node gpu-01: runtimes of \S+: none$/),
      expect.stringMatching(
        /^arw-reporter: \S+\/state cannot be written \(EISDIR.*\); name another one with --state-dir$/,
      ),
      '',
    ]);
  });
  test('a state directory where no folder can be made', async () => {
    const host = await Host.prepare();
    const { exitCode, stderr } = await host.finish(hub, '--state-dir', '/proc/runtime-matrix/state');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /arw-reporter: \/proc\/runtime-matrix\/state cannot be written \(.+\); name another one with --state-dir\n$/,
    );
  });
  test('damaged credentials', async () => {
    const host = await Host.prepare();
    await writeFile(join(host.folder, 'credentials.json'), '{"hub":');
    expect(await host.finish(hub, '--state-dir', host.folder)).toEqual(
      refusal(
        `${join(host.folder, 'credentials.json')} is damaged; remove it and enrol again with ARW_JOIN_TOKEN`,
      ),
    );
  });
});

test('a join token that the hub refuses ends it with exit code 1, and its children with it', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  // Also without --stop-children: a first start that fails must not leave a model behind.
  host.stopChildren = false;
  const hub = await FakeHub.start();
  const running = host.start(hub.url, { ARW_JOIN_TOKEN: 'a-wrong-token' });
  const { exitCode } = await running.program.ended;

  expect(exitCode).toBe(1);
  await running.says('The hub answered 403: The join token is not valid. This is why.');
  expect(running.lines.join('\n')).not.toContain('a-wrong-token');
  expect(await host.children()).toEqual([]);
});

test('enrols, reports, keeps its token to itself, and needs no join token the next time', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.program.ready;
  await eventually('a ready runtime is reported', () =>
    hub.snapshots.some(({ snapshot }) => snapshot.runtimes[0]?.status.state === 'ready'),
  );
  expect(hub.enrolments).toEqual([NODE]);
  const kept = join(host.stateDir, 'credentials.json');
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
  expect((await stat(host.stateDir)).mode & 0o777).toBe(0o700);
  expect(JSON.parse(await readFile(kept, 'utf8'))).toMatchObject({ hub: hub.url.href, node: NODE });
  const seqs = hub.snapshots.map(({ snapshot: { seq } }) => seq);
  expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
  expect((await running.program.stop()).exitCode).toBe(0);

  const again = host.start(hub.url, { ARW_JOIN_TOKEN: '' });
  await again.program.ready;
  expect(hub.enrolments).toEqual([NODE]);
  const [first, second] = await hub.framesOf('hello', 2);
  expect(second?.boot_id).not.toBe(first?.boot_id);
});

test('supervises while the hub is down, and enrols when it is there', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const url = await nowhere();
  const running = host.start(url);
  await running.says('is away: connection refused; enrolling again soon, runtimes are supervised meanwhile');
  await running.says('llama: Ready - Ready');

  const hub = await FakeHub.start(Number(url.port));
  await running.program.ready;
  expect(hub.enrolments).toEqual([NODE]);
  expect(hub.snapshots[0]?.snapshot.runtimes[0]?.status).toMatchObject({ state: 'ready', restarts_total: 0 });
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it within 10 s, stubborn children too', async (signal) => {
  const host = await Host.prepare();
  await host.superviseStub('--ignore-sigterm');
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.says('llama: Ready - Ready');
  await running.program.ready;
  expect(await host.children()).toHaveLength(1);

  const startedMs = performance.now();
  process.kill(running.program.pid, signal);
  expect((await running.program.ended).exitCode).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(await host.children()).toEqual([]);
  // Its last words: stopped on purpose, not lost.
  await eventually('its last words', () => {
    const status = hub.snapshots.at(-1)?.snapshot.runtimes[0]?.status;
    return status?.state === 'offline' && status.severity === 'info';
  });
});

test('a runtime that may take a minute to stop alone does not hold up the end of the reporter', async () => {
  const host = await Host.prepare();
  await host.superviseStub('--ignore-sigterm');
  const manifest = await readFile(host.manifest, 'utf8');
  await writeFile(host.manifest, manifest.replace('stop_timeout_seconds = 1', 'stop_timeout_seconds = 60'));
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.says('llama: Ready - Ready');
  // The grace of `stop` is 12 s, and what it then kills has no exit code of 0.
  expect((await running.program.stop()).exitCode).toBe(0);
  expect(await host.children()).toEqual([]);
});

test('a command that comes while it ends is refused, and starts nothing', async () => {
  const host = await Host.prepare();
  await host.superviseStub('--ignore-sigterm');
  // As long as it may take to end, so that the command comes meanwhile.
  const manifest = await readFile(host.manifest, 'utf8');
  await writeFile(host.manifest, manifest.replace('stop_timeout_seconds = 1', 'stop_timeout_seconds = 60'));
  const hub = await FakeHub.start();
  const running = host.start(hub.url);
  await running.says('llama: Ready - Ready');
  await running.program.ready;
  process.kill(running.program.pid, 'SIGTERM');
  await running.says('llama: Offline - Stopping');
  hub.send(signedCommand(NODE, COMMAND_KEY, { kind: 'start', runtime: 'llama' }));

  const [done] = await hub.framesOf('command.done');
  expect(done).toMatchObject({ ok: false, error: { reason: 'reporter-ending' } });
  expect((await running.program.ended).exitCode).toBe(0);
  expect(await host.children()).toEqual([]);
});

test('whoever read its log may go away: it goes on, and ends in good order', async () => {
  const host = await Host.prepare();
  await host.superviseStub();
  const hub = await FakeHub.start();
  const env = environment({ ARW_JOIN_TOKEN: JOIN_TOKEN });
  const child = spawn(process.execPath, host.args('--hub', hub.url.href), {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  child.stdout.destroy();
  child.stderr.destroy();
  const ready = (pid?: number): Promise<number> =>
    eventually('a ready runtime is reported', () => {
      const status = hub.snapshots.at(-1)?.snapshot.runtimes[0]?.status;
      return status?.state === 'ready' && status.pid !== pid ? status.pid : undefined;
    });
  const first = await ready();
  process.kill(first, 'SIGKILL');
  await ready(first);
  child.kill('SIGTERM');
  await ended;

  expect(child.exitCode).toBe(0);
  expect(await host.children()).toEqual([]);
});

test('a child sees none of our settings', async () => {
  const host = await Host.prepare();
  const seen = join(host.folder, 'environment');
  await writeFile(
    host.manifest,
    stringify({
      version: 1,
      runtimes: [
        {
          id: 'spy',
          adapter: 'process',
          process: {
            command: '/bin/sh',
            args: ['-c', `env > '${seen}.new' && mv '${seen}.new' '${seen}' && exec sleep 60`],
            env: { OWN: 'yes' },
            health: { url: (await nowhere()).href },
          },
        },
      ],
    }),
  );
  host.start(await nowhere(), {
    ARW_ADMIN_TOKEN: 'secret',
    LLAMA_ARG_CTX_SIZE: '1',
    LLAMA_API_KEY: 'k',
    MINE: '1',
  });
  const text = await eventually('the environment is written', () =>
    readFile(seen, 'utf8').catch(() => undefined),
  );
  const names = text.split('\n').map((line) => line.split('=')[0] ?? '');
  expect(names.filter((name) => /^(ARW_|LLAMA_)/.test(name))).toEqual([]);
  expect(names).toEqual(expect.arrayContaining(['PATH', 'MINE', 'OWN']));
});

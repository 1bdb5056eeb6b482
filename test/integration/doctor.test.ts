// `arw-reporter doctor` on a host where nothing is prepared, on one where all is, and on one with a fault in each thing.

import { createServer } from 'node:http';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'smol-toml';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/engine-process.ts';
import { eventually } from '../support/eventually.ts';
import { Host, NODE } from '../support/reporter-host.ts';
import { ServedHub } from '../support/served-hub.ts';
import { run } from '../support/shell.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../reporter/main.ts', import.meta.url));
const Findings = v.object({
  ok: v.boolean(),
  findings: v.array(
    v.object({ check: v.string(), status: v.string(), what: v.string(), remedy: v.optional(v.string()) }),
  ),
});
type Findings = v.InferOutput<typeof Findings>['findings'];

const entry = (id: string, process: object): object => ({ id, adapter: 'llama.cpp', process });
const find = (findings: Findings, check: string): Findings => findings.filter((one) => one.check === check);

test('nothing prepared: every missing thing is named with what to do, and nothing is left behind', async () => {
  const folder = await temporaryFolder();
  for (const name of ['home', 'bin']) await mkdir(join(folder, name));
  const env = { HOME: join(folder, 'home'), PATH: join(folder, 'bin') };
  const { exitCode, stdout, stderr } = await run(process.execPath, [MAIN, 'doctor'], { env });

  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  // Where a path stands alone on its line it may be longer.
  expect(stdout.split('\n').filter((line) => line.length > 80 && !line.includes(folder))).toEqual([]);
  const text = stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain('fail manifest: there is no ');
  expect(text).toContain('-> write one there, or name another with --manifest; two lines are enough: ');
  expect(text).toContain('fail llama-server: Program llama-server is not on the PATH -> install llama.cpp');
  expect(text).toContain('fail hub: no hub is named -> set --hub URL or ARW_HUB_URL');
  expect(text).toContain(
    'fail token: there is no join token -> get a join token from its operator (arw-cli join-token) and set ARW_JOIN_TOKEN',
  );
  expect(text).toMatch(/ok state: \S+ can be made/);
  expect(text).toMatch(/4 faults, \d warnings?: do what the arrows say, then ask again/);
  expect(await readdir(env.HOME)).toEqual([]);
});

test('a prepared host is all green, before its first run and while it runs', async () => {
  const hub = await ServedHub.ready(await temporaryFolder());
  const host = await Host.prepare();
  await host.superviseStub();
  // The stub reads no model, the doctor looks at its first bytes.
  await writeFile(join(host.folder, 'tiny.gguf'), 'GGUF and more');
  const args = ['--manifest', host.manifest, '--hub', hub.url];
  const token = await hub.joinToken();

  const before = await host.command('doctor', { ARW_JOIN_TOKEN: token }, ...args);
  expect(before).toMatchObject({ exitCode: 0, stderr: '' });
  expect(before.stdout).not.toMatch(/^(fail|skipped)/m);
  expect(before.stdout.replaceAll(/\s+/g, ' ')).toContain(
    'is not enrolled yet; the join token is used at the first run',
  );

  const running = host.start(new URL(hub.url), { ARW_JOIN_TOKEN: token });
  await running.program.ready;
  await running.says('llama: Ready - Ready');
  const during = await host.command('doctor', {}, ...args, '--json');
  expect(during).toMatchObject({ exitCode: 0, stderr: '' });
  const { ok, findings } = v.parse(Findings, JSON.parse(during.stdout));
  expect(ok).toBe(true);
  expect(findings.filter(({ status }) => status === 'fail' || status === 'skipped')).toEqual([]);
  expect(find(findings, 'token')[0]?.what).toBe(`node ${NODE} is enrolled, and the hub takes its token`);
  expect(find(findings, 'clock')[0]).toMatchObject({ status: 'ok', what: 'agrees with the hub' });
  expect(find(findings, 'reporter')[0]?.what).toBe(`runs here as process ${running.program.pid}`);
  expect(find(findings, 'llama').map(({ what }) => what)).toEqual([
    expect.stringMatching(/, v\d+/),
    expect.stringContaining('GGUF'),
    expect.stringMatching(/^port \d+ is held by its own process \d+$/),
  ]);
});

test('each fault is told on its own, whatever else is wrong', async () => {
  const folder = await temporaryFolder();
  const host = await Host.prepare();
  const stranger = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
  await once(stranger, 'listening');
  onTestFinished(async () => {
    stranger.close();
    stranger.closeAllConnections();
    await once(stranger, 'close');
  });
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const broken = join(folder, 'broken-server');
  await writeFile(broken, '#!/bin/sh\necho "error: cannot open libllama.so" >&2\nexit 127\n');
  await chmod(broken, 0o755);
  const page = join(folder, 'page.gguf');
  await writeFile(page, '<!doctype html>');
  await writeFile(
    host.manifest,
    stringify({
      version: 1,
      runtimes: [
        entry('taken', { command: broken, args: ['-m', page, '--port', String(port)] }),
        {
          ...entry('missing', { args: ['-m', join(folder, 'no.gguf'), '--port', String(await freePort())] }),
        },
      ],
    }),
  );
  await mkdir(host.stateDir, { mode: 0o755 });
  await writeFile(join(host.stateDir, 'credentials.json'), '{"hub":');
  const env = { LLAMA_SERVER_BIN: join(folder, 'nowhere') };
  const { stdout, exitCode } = await host.command(
    'doctor',
    env,
    '--manifest',
    host.manifest,
    '--hub',
    `http://127.0.0.1:${port}`,
    '--json',
  );
  expect(exitCode).toBe(1);
  const { findings } = v.parse(Findings, JSON.parse(stdout));
  const faults = findings.filter(({ status }) => status === 'fail');
  expect(faults.map(({ check, what }) => `${check}: ${what}`)).toEqual([
    `taken: ${broken} --version fails: error: cannot open libllama.so`,
    `taken: model file ${page} is no GGUF file`,
    expect.stringContaining(`taken: port ${port} is held by process ${process.pid} (`),
    `missing: Program ${join(folder, 'nowhere')} does not exist`,
    `missing: Model file ${join(folder, 'no.gguf')} does not exist`,
    `hub: http://127.0.0.1:${port}/healthz answered 200, but not as a hub does`,
    `token: ${join(host.stateDir, 'credentials.json')} is damaged`,
  ]);
  expect(faults.every(({ remedy = '' }) => remedy.length > 0)).toBe(true);
  expect(findings.filter(({ status }) => status === 'warn').map(({ what }) => what)).toContainEqual(
    expect.stringContaining('is open to other users'),
  );
  // It looks and changes nothing.
  expect(await readFile(join(host.stateDir, 'credentials.json'), 'utf8')).toBe('{"hub":');
  expect(await readdir(host.stateDir)).toEqual(['credentials.json']);
});

describe('GPUs', () => {
  const asking =
    'version = 1\n[[runtimes]]\nid = "a"\nadapter = "llama.cpp"\naccelerator = "gpu_cuda"\n[runtimes.process]\n';

  /** What is found where `nvidia-smi` is this script, or is not there. */
  async function gpus(script: string | undefined): Promise<Findings> {
    const host = await Host.prepare(asking);
    const bin = join(host.folder, 'bin');
    await mkdir(bin);
    if (script !== undefined) {
      await writeFile(join(bin, 'nvidia-smi'), `#!/bin/sh\n${script}\n`);
      await chmod(join(bin, 'nvidia-smi'), 0o755);
    }
    const { stdout } = await host.command('doctor', { PATH: bin }, '--manifest', host.manifest, '--json');
    return v.parse(Findings, JSON.parse(stdout)).findings;
  }

  test('a card is told with its driver, and what asks for it is well', async () => {
    const findings = await gpus('echo "NVIDIA H100 80GB HBM3, 550.54.15"');
    expect(find(findings, 'GPU').map(({ what }) => what)).toContain(
      'NVIDIA H100 80GB HBM3, driver 550.54.15',
    );
    expect(findings.filter(({ what }) => what.includes('asks for'))).toEqual([]);
  });
  test('a runtime that asks for a card that is not there is at fault', async () => {
    expect((await gpus(undefined)).filter(({ what }) => what.includes('asks for'))).toEqual([
      {
        check: 'a',
        status: 'fail',
        what: 'asks for gpu_cuda, but no NVIDIA GPU was found',
        remedy: 'install the NVIDIA driver, or name the accelerator that it runs on in the manifest',
      },
    ]);
  });
  test('a driver that fails is told in the words of the tool', async () => {
    const words = 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.';
    expect(find(await gpus(`echo "${words}"; exit 9`), 'GPU')).toContainEqual(
      expect.objectContaining({ status: 'warn', what: `nvidia-smi fails: ${words}` }),
    );
  });
});

test('a token that the hub does not take any more', async () => {
  const hub = await ServedHub.ready(await temporaryFolder());
  const host = await Host.prepare();
  const enrolled = await host.command('doctor', { ARW_JOIN_TOKEN: await hub.joinToken() }, '--hub', hub.url);
  expect(enrolled.stdout).toContain('is not enrolled yet');
  const running = host.start(new URL(hub.url), { ARW_JOIN_TOKEN: await hub.joinToken() });
  await running.program.ready;
  await running.program.stop();
  await hub.ask('DELETE', `/nodes/${NODE}`);

  const text = await eventually(
    'the hub does not take it any more',
    async () => {
      const { stdout } = await host.command('doctor', {}, '--hub', hub.url, '--manifest', host.manifest);
      return stdout.includes('does not take the token') && stdout;
    },
    20_000,
  );
  expect(text.replaceAll(/\s+/g, ' ')).toContain('run "arw-reporter enroll --force" with ARW_JOIN_TOKEN set');
});

/** What counts as an installed llama-server: a tree with a receipt for its own place, whose server runs. */
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findEngine } from '../../scripts/engine/find-engine.ts';
import { findInstalledServer, installLlamaServer } from '../../scripts/engine/install.ts';

const SERVER = '#!/bin/sh\necho "version: 0.7.0 (build 1, commit test)" >&2\n';

/** A cache as an install leaves it, with a shell script in the place of the server. */
async function installedCache({ server = SERVER }: { server?: string } = {}): Promise<{
  cacheDir: string;
  prefix: string;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'installed-engine-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const cacheDir = join(folder, '.cache');
  const prefix = join(cacheDir, 'llama');
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await writeFile(join(prefix, 'bin', 'llama-server'), server);
  await chmod(join(prefix, 'bin', 'llama-server'), 0o755);
  await writeFile(join(prefix, 'install.json'), JSON.stringify({ prefix }));
  return { cacheDir, prefix };
}

test('an installed server is found, says its version, and is not installed again', async () => {
  const { cacheDir, prefix } = await installedCache();
  const expected = { binary: join(prefix, 'bin', 'llama-server'), version: '0.7.0 (build 1, commit test)' };
  const lines: string[] = [];

  expect(await findInstalledServer(cacheDir)).toEqual(expected);
  expect(await installLlamaServer({ cacheDir, log: (line) => lines.push(line) })).toEqual(expected);
  expect(lines).toEqual([expect.stringContaining('already there')]);
  expect(await findEngine({ env: {}, cacheDir, log: (line) => lines.push(line) })).toEqual({
    kind: 'llama.cpp',
    binary: expected.binary,
    source: 'cache',
  });
});

test('a tree without its receipt is half an install', async () => {
  const { cacheDir, prefix } = await installedCache();
  await rm(join(prefix, 'install.json'));

  expect(await findInstalledServer(cacheDir)).toBeUndefined();
});

test('a damaged receipt is none', async () => {
  const { cacheDir, prefix } = await installedCache();
  await writeFile(join(prefix, 'install.json'), '{"prefix":');

  expect(await findInstalledServer(cacheDir)).toBeUndefined();
});

test('a copy elsewhere is not used: its loader is named by an absolute path', async () => {
  const { cacheDir } = await installedCache();
  const copy = `${cacheDir}-copy`;
  await cp(cacheDir, copy, { recursive: true });

  expect(await findInstalledServer(copy)).toBeUndefined();
});

test('a server that does not run is not used', async () => {
  const { cacheDir } = await installedCache({ server: '#!/bin/sh\nexit 1\n' });

  expect(await findInstalledServer(cacheDir)).toBeUndefined();
});

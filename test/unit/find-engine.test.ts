/** Which engine and which model the project chooses, and what it says when what a user named is not there. */
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { debianMirrors, debianTarget } from '../../scripts/engine/debian-target.ts';
import { findEngine, type FindEngineOptions } from '../../scripts/engine/find-engine.ts';
import { findModel } from '../../scripts/engine/find-model.ts';
import { InstallError } from '../../scripts/engine/install-error.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'find-engine-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function executable(folder: string, name: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, name);
  await writeFile(path, '#!/bin/sh\n');
  await chmod(path, 0o755);
  return path;
}

const log = (): void => undefined;
const neverInstall = (): Promise<never> => Promise.reject(new Error('nothing to install'));
const cannotInstall = (): Promise<never> => Promise.reject(new InstallError('this system has no apt-get'));
const brokenInstall = (): Promise<never> => Promise.reject(new TypeError('a bug'));
/** One line of `apt-get indextargets`: site, suite, origin. */
const line = (...fields: string[]): string => `${fields.join('\t')}\n`;

describe('engine', () => {
  test('LLAMA_SERVER_BIN comes before the PATH', async () => {
    const folder = await temporaryFolder();
    const named = await executable(join(folder, 'own'), 'server');
    await executable(join(folder, 'path'), 'llama-server');
    const env = { LLAMA_SERVER_BIN: named, PATH: join(folder, 'path') };

    const engine = await findEngine({ env, cacheDir: folder, log, install: neverInstall });

    expect(engine).toEqual({ kind: 'llama.cpp', binary: named, source: 'LLAMA_SERVER_BIN' });
  });

  test.each([
    ['is missing', 'missing', 'cannot be found'],
    ['is a folder', '.', 'is not a file'],
    ['has no right to run', 'plain', 'is not executable'],
  ])('LLAMA_SERVER_BIN that %s is an error, not a reason to take another', async (_, name, obstacle) => {
    const folder = await temporaryFolder();
    await executable(folder, 'llama-server');
    await writeFile(join(folder, 'plain'), '');
    const env = { LLAMA_SERVER_BIN: join(folder, name), PATH: folder };

    const found = findEngine({ env, cacheDir: folder, log, install: neverInstall });

    await expect(found).rejects.toThrow(
      new RegExp(`LLAMA_SERVER_BIN names .*, which ${obstacle}; correct it, or unset`),
    );
  });

  test('the PATH is searched in its order, past folders and files that cannot run', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'a', 'llama-server'), { recursive: true });
    await mkdir(join(folder, 'b'));
    await writeFile(join(folder, 'b', 'llama-server'), '');
    const first = await executable(join(folder, 'c'), 'llama-server');
    await executable(join(folder, 'd'), 'llama-server');
    const path = ['a', 'missing', 'b', 'c', 'd'].map((name) => join(folder, name)).join(delimiter);

    const env = { LLAMA_SERVER_BIN: '', PATH: path };
    const engine = await findEngine({ env, cacheDir: folder, log, install: neverInstall });

    expect(engine).toEqual({ kind: 'llama.cpp', binary: first, source: 'PATH' });
  });

  test('an empty entry of the PATH does not mean the working directory', async () => {
    const folder = await temporaryFolder();

    const engine = await findEngine({
      env: { PATH: delimiter },
      cacheDir: folder,
      log,
      install: cannotInstall,
    });

    expect(engine.kind).toBe('stub');
  });

  test('what is nowhere is installed', async () => {
    const folder = await temporaryFolder();
    const binary = join(folder, 'llama', 'bin', 'llama-server');
    const asked: string[] = [];
    const install: FindEngineOptions['install'] = ({ cacheDir }) => {
      asked.push(cacheDir);
      return Promise.resolve({ binary, version: '1 (test)' });
    };

    const engine = await findEngine({ env: { PATH: folder }, cacheDir: folder, log, install });

    expect(engine).toEqual({ kind: 'llama.cpp', binary, source: 'installed' });
    expect(asked).toEqual([folder]);
  });

  test('where it cannot be installed the stub is chosen, with the reason', async () => {
    const folder = await temporaryFolder();

    const engine = await findEngine({ env: {}, cacheDir: folder, log, install: cannotInstall });

    expect(engine).toMatchObject({ kind: 'stub', command: process.execPath });
    if (engine.kind !== 'stub') return;
    expect(engine.reason).toMatch(/^this system has no apt-get; set LLAMA_SERVER_BIN/);
    expect((await stat(engine.args[0] ?? '')).isFile()).toBe(true);
  });

  test('a bug in the installer is not hidden behind the stub', async () => {
    const folder = await temporaryFolder();

    const found = findEngine({ env: {}, cacheDir: folder, log, install: brokenInstall });

    await expect(found).rejects.toThrow('a bug');
  });
});

describe('model', () => {
  test('LLAMA_MODEL_PATH is taken as it is, and must be there', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'own.gguf');
    await writeFile(path, 'GGUF');

    const model = await findModel({ env: { LLAMA_MODEL_PATH: path }, cacheDir: folder, log });
    const missing = findModel({ env: { LLAMA_MODEL_PATH: `${path}x` }, cacheDir: folder, log });

    expect(model).toEqual({ path, source: 'LLAMA_MODEL_PATH' });
    await expect(missing).rejects.toThrow(
      /LLAMA_MODEL_PATH names .*own\.ggufx, which cannot be found; correct it/,
    );
  });

  test('else a tiny one is made in the cache, again and again the same', async () => {
    const folder = await temporaryFolder();

    const model = await findModel({ env: {}, cacheDir: folder, log });
    const again = await findModel({ env: { LLAMA_MODEL_PATH: '' }, cacheDir: folder, log });

    expect(model).toEqual({ path: join(folder, 'models', 'tiny.gguf'), source: 'generated' });
    expect(again).toEqual(model);
    expect((await stat(model.path)).size).toBe(488_000);
  });
});

describe('Debian', () => {
  const debian = 'ID=debian\nVERSION_CODENAME=bookworm\n';

  test('a mirror is a source whose origin is Debian, not the security archive, not a CD', () => {
    const listing =
      line('https://packages.example/third', 'bookworm', 'Example') +
      line('cdrom:[Debian]', 'bookworm', 'Debian') +
      line('http://mirror.example/debian-security', 'bookworm-security', 'Debian') +
      line('http://mirror.example/debian', 'bookworm', 'Debian') +
      line('http://mirror.example/debian', 'bookworm-updates', 'Debian');

    expect(debianMirrors(listing, debian)).toEqual(['http://mirror.example/debian']);
  });

  test('before apt has fetched a list, a source of a Debian system is known by its suite', () => {
    const listing =
      line('http://mirror.example/debian-security', 'bookworm-security', '$(ORIGIN)') +
      line('https://packages.example/node', 'nodistro', '$(ORIGIN)') +
      line('mirror+file:/etc/apt/mirrors/debian.list', 'bookworm-updates', '$(ORIGIN)');

    expect(debianMirrors(listing, debian)).toEqual(['mirror+file:/etc/apt/mirrors/debian.list']);
    expect(debianMirrors(listing, 'ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n')).toEqual([]);
  });

  test('a source known to be of somebody else is none, whatever its suite is called', () => {
    const listing =
      line('https://packages.example/third', 'bookworm', 'Example') +
      line('https://packages.example/third', 'bookworm', '$(ORIGIN)');

    expect(debianMirrors(listing, debian)).toEqual([]);
  });

  test('names depend on the architecture; where there are no packages the error says so', () => {
    expect(debianTarget('linux', 'x64')).toMatchObject({
      architecture: 'amd64',
      loader: 'ld-linux-x86-64.so.2',
    });
    expect(debianTarget('linux', 'arm64')).toMatchObject({
      architecture: 'arm64',
      loader: 'ld-linux-aarch64.so.1',
    });
    expect(() => debianTarget('linux', 'riscv64')).toThrow(
      /x64 and arm64 only, not riscv64; set LLAMA_SERVER_BIN/,
    );
    expect(() => debianTarget('darwin', 'arm64')).toThrow(/Debian packages, and this system is darwin/);
  });
});

// What a sandbox shows of a host: what its program and its arguments need, and never more because of a careless path.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isBroad,
  isInside,
  SYSTEM_FOLDERS,
  visiblePaths,
} from '../../reporter/sandbox/program/visible-paths.ts';
import { fakeHostFiles } from '../support/fake-host-files.ts';
import { holds } from '../support/property.ts';

const SERVER = { '/usr/bin/llama-server': '' };

function shown(
  files: Record<string, string>,
  launch: { command?: string; args?: string[]; env?: Record<string, string>; cwd?: string },
): string[] {
  const { command = 'llama-server', args = [], env = {}, cwd = '/' } = launch;
  const host = fakeHostFiles({ ...SERVER, ...files });
  const named = { command, args, env: { PATH: '/usr/local/bin:/usr/bin', ...env }, cwd };
  return visiblePaths(named, host, SYSTEM_FOLDERS);
}

describe('arguments', () => {
  test.each<[string, Record<string, string>, string[], string[]]>([
    [
      'a model: its folder, for its other parts',
      { '/models/a.gguf': '' },
      ['-m', '/models/a.gguf'],
      ['/models'],
    ],
    ['a model after an equals sign', { '/models/a.gguf': '' }, ['--model=/models/a.gguf'], ['/models']],
    [
      'a model right in a home: itself',
      { '/home/u/a.gguf': '' },
      ['-m', '/home/u/a.gguf'],
      ['/home/u/a.gguf'],
    ],
    ['a model right in /tmp: itself', { '/tmp/a.gguf': '' }, ['-m', '/tmp/a.gguf'], ['/tmp/a.gguf']],
    [
      'a key file: itself, not its folder',
      { '/etc/ll/key': '' },
      ['--api-key-file', '/etc/ll/key'],
      ['/etc/ll/key'],
    ],
    ['a folder of models', { '/srv/models/a.gguf': '' }, ['--models-dir', '/srv/models'], ['/srv/models']],
    ['a home: nothing', { '/home/u/x': '' }, ['--path', '/home/u'], []],
    ['the root: nothing', {}, ['--path', '/'], []],
    [
      'devices and the system: nothing',
      { '/dev/sda': '', '/run/docker.sock': '' },
      ['/dev/sda', '/run/docker.sock'],
      [],
    ],
    ['what is not there: nothing', {}, ['-m', '/models/none.gguf'], []],
    [
      'what every sandbox shows: nothing more',
      { '/usr/share/m/a.gguf': '' },
      ['-m', '/usr/share/m/a.gguf'],
      [],
    ],
    ['words that are no paths: nothing', { '/8080/x': '' }, ['--port', '80', '-c', '512', ''], []],
  ])('%s', (_what, files, args, expected) => {
    expect(shown(files, { args })).toEqual(expected);
  });

  test('a relative one is taken from the working directory', () => {
    expect(
      shown({ '/srv/llm/models/a.gguf': '' }, { args: ['-m', 'models/a.gguf'], cwd: '/srv/llm' }),
    ).toEqual(['/srv/llm/models']);
  });

  test('a folder of links, as a model cache has them: what they lead to is shown too', () => {
    const files = {
      '/home/u/hub/snapshots/1/a.safetensors': '-> /home/u/hub/blobs/aa',
      '/home/u/hub/snapshots/1/sock': '-> /run/docker.sock',
      '/home/u/hub/blobs/aa': '',
      '/home/u/hub/blobs/bb': '',
      '/run/docker.sock': '',
    };
    expect(shown(files, { args: ['--model', '/home/u/hub/snapshots/1'] })).toEqual([
      '/home/u/hub/blobs/aa',
      '/home/u/hub/snapshots/1',
    ]);
  });
});

describe('the program', () => {
  test.each<[string, Record<string, string>, string, string[]]>([
    ['of the system: nothing more', {}, 'llama-server', []],
    [
      'built in a home: its folder',
      { '/home/u/llama/llama-server': '' },
      '/home/u/llama/llama-server',
      ['/home/u/llama'],
    ],
    [
      'under a prefix: the prefix, with its libraries',
      { '/home/u/llama/bin/ls': '' },
      '/home/u/llama/bin/ls',
      ['/home/u/llama'],
    ],
    [
      'right in a home: itself',
      { '/home/u/llama-server': '' },
      '/home/u/llama-server',
      ['/home/u/llama-server'],
    ],
    [
      "in a home's bin: that, and the libraries beside it",
      { '/home/u/.local/bin/ls': '', '/home/u/.local/lib/x.so': '', '/home/u/.local/share/keyrings/k': '' },
      '/home/u/.local/bin/ls',
      ['/home/u/.local/bin', '/home/u/.local/lib'],
    ],
    [
      'that is a link: where it leads too',
      { '/home/u/bin/ls': '-> /srv/llama/bin/ls', '/srv/llama/bin/ls': '' },
      '/home/u/bin/ls',
      ['/home/u/bin', '/srv/llama'],
    ],
    [
      'that is a script of a virtual environment: its interpreter too',
      {
        '/home/u/venv/bin/vllm': '#!/home/u/venv/bin/python3',
        '/home/u/venv/bin/python3': '-> /home/u/py/cpython-3.12/bin/python3.12',
        '/home/u/py/cpython-3.12/bin/python3.12': '',
      },
      '/home/u/venv/bin/vllm',
      ['/home/u/py/cpython-3.12', '/home/u/venv'],
    ],
    [
      'whose interpreter is found on the PATH',
      { '/srv/tool/serve': '#!/usr/bin/env python3', '/usr/bin/env': '', '/usr/bin/python3': '' },
      '/srv/tool/serve',
      ['/srv/tool'],
    ],
    ['that is not there: nothing', {}, '/home/u/none', []],
    ['that names itself as its interpreter: once', { '/srv/a/x': '#!/srv/a/x' }, '/srv/a/x', ['/srv/a']],
  ])('%s', (_what, files, command, expected) => {
    expect(shown(files, { command })).toEqual(expected);
  });
});

test('variables that name files show them; the PATH and HOME do not', () => {
  const files = { '/home/u/cuda/lib64/l.so': '', '/srv/hf/x': '', '/home/u/bin/secret': '' };
  const env = {
    LD_LIBRARY_PATH: '/home/u/cuda/lib64:/none',
    HF_HOME: '/srv/hf',
    PATH: '/usr/bin:/home/u/bin',
    HOME: '/srv/hf',
  };
  expect(shown(files, { env })).toEqual(['/home/u/cuda/lib64', '/srv/hf']);
});

test('whatever a launch names, no home, no system folder and nothing above one is shown', () => {
  const name = fc.constantFrom(
    'home',
    'root',
    'etc',
    'u',
    'tmp',
    'var',
    'lib',
    'bin',
    '.local',
    'x.gguf',
    'serve',
    '..',
    '.',
  );
  const path = fc.array(name, { maxLength: 6 }).map((names) => `/${names.join('/')}`);
  const files = fc.dictionary(path, fc.constantFrom('', '/', '#!/usr/bin/env serve'));
  holds(
    fc.property(files, path, fc.array(path), path, (tree, command, args, cwd) => {
      for (const found of shown(tree, { command, args, cwd })) {
        const isFile = fakeHostFiles({ ...SERVER, ...tree }).kindOf(found) === 'file';
        expect(isFile || !isBroad(found)).toBe(true);
        expect(isInside(found, ['/dev', '/proc', '/sys', '/run'])).toBe(false);
      }
    }),
  );
});

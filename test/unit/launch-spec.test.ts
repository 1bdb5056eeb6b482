// How a manifest entry and a preset become a command line, and what llama-server is told explicitly.

import { describe, expect, test } from 'vitest';
import { flagValue, presetSpec } from '../../reporter/backends/launch-spec.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import type { RuntimeEntry } from '../../reporter/manifest-schema.ts';

const ENTRY: RuntimeEntry = {
  id: 'llama',
  adapter: 'llama.cpp',
  process: { args: ['-m', 'x.gguf', '-c', '512'], env: { A: '1', B: '1' }, workdir: '/srv' },
  presets: { long: { args: ['-c', '32768'], env: { B: '2' } }, plain: {} },
};

describe('presets', () => {
  test('without one it is the entry alone', () => {
    expect(presetSpec(ENTRY, 'llama-server', undefined)).toEqual({
      command: 'llama-server',
      args: ['-m', 'x.gguf', '-c', '512'],
      env: { A: '1', B: '1' },
      workdir: '/srv',
    });
  });
  test('its arguments come last and its environment wins', () => {
    expect(presetSpec(ENTRY, 'llama-server', 'long')).toMatchObject({
      args: ['-m', 'x.gguf', '-c', '512', '-c', '32768'],
      env: { A: '1', B: '2' },
    });
  });
  test("the entry's own is the default, and a named one replaces it", () => {
    const entry = { ...ENTRY, preset: 'long' };
    expect(presetSpec(entry, 'x', undefined).args).toContain('32768');
    expect(presetSpec(entry, 'x', 'plain').args).not.toContain('32768');
  });
});

describe('the value of a flag', () => {
  test.each<[string[], string | undefined]>([
    [['--port', '80'], '80'],
    [['--port=80'], '80'],
    [['--port', '80', '--port', '81'], '81'],
    [['--port=80', '--port', '81'], '81'],
    [['--port='], ''],
    [['--ports', '80'], undefined],
    [['--port'], undefined],
    [[], undefined],
  ])('%j is %s', (args, value) => {
    expect(flagValue(args, ['--port'])).toBe(value);
  });
  test('any of its names counts', () => {
    expect(flagValue(['-m', 'a', '--model', 'b'], ['-m', '--model'])).toBe('b');
  });
});

function argsOf(args: string[]): readonly string[] {
  return makeBackend({ ...ENTRY, process: { args } }, { llamaServer: 'x' }).launchSpec(undefined).args;
}

function commandOf(process: RuntimeEntry['process']): string {
  return makeBackend({ ...ENTRY, process }, { llamaServer: '/opt/llama-server' }).launchSpec(undefined)
    .command;
}

describe('llama-server', () => {
  test('is told address, port and both endpoints, whatever its build would choose', () => {
    expect(argsOf([])).toEqual(['--host', '127.0.0.1', '--port', '8080', '--metrics', '--slots']);
  });
  test('what the manifest says stays as it is', () => {
    const own = ['--host', '::1', '--port=9000', '--metrics', '--no-slots'];
    expect(argsOf(own)).toEqual(own);
  });
  test('the command is that of the manifest, else the default', () => {
    expect(commandOf({})).toBe('/opt/llama-server');
    expect(commandOf({ command: 'my-server' })).toBe('my-server');
  });
  test.each(['0.0.0.0', '::', '[::]', '::1', '[::1]', 'localhost'])('a host of %s can be asked', (host) => {
    expect(() => argsOf(['--host', host])).not.toThrow();
  });
  test('names its presets', () => {
    expect(makeBackend(ENTRY, { llamaServer: 'x' }).presets).toEqual(['long', 'plain']);
  });
});

test('the descriptor has the defaults of the manifest reference', () => {
  const { descriptor } = makeBackend(ENTRY, { llamaServer: 'x' });
  expect(descriptor).toEqual({
    id: 'llama',
    name: 'llama',
    adapter: 'llama.cpp',
    profile: 'default',
    modalities: ['text'],
  });
});

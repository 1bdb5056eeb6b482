// Two llama-servers that start together must not be sent to one port: the one that fails would seem to be ready.

import { expect, test } from 'vitest';
import { parseManifest } from '../../reporter/manifest.ts';

const runtime = (id: string, args: string[], more = ''): string =>
  `[[runtimes]]\nid = "${id}"\nadapter = "llama.cpp"\n${more}\n[runtimes.process]\nargs = ${JSON.stringify(args)}\n`;
const parse = (...runtimes: string[]): string[] =>
  parseManifest(`version = 1\n${runtimes.join('')}`, 'm.toml').runtimes.map(({ id }) => id);

test.each<[string, string[], string[]]>([
  ['the default port, twice', [], []],
  ['the default port, once in words', [], ['--port', '8080']],
  ['one port in two spellings', ['--port=9000'], ['--port', '9000']],
  ['one address in words', ['--host', '127.0.0.1', '--port', '9000'], ['--port', '9000']],
])('%s', (_what, first, second) => {
  expect(() => parse(runtime('a', first), runtime('b', second))).toThrow(
    /^m\.toml: runtimes\[1\] \(b\)\.process\.args: 127\.0\.0\.1:\d+ is taken by runtimes\[0\] \(a\); give one another --port$/,
  );
});

test('a preset that moves one onto the other counts', () => {
  const preset = 'preset = "x"\n[runtimes.presets.x]\nargs = ["--port", "9000"]';
  expect(() => parse(runtime('a', ['--port', '9000']), runtime('b', [], preset))).toThrow(
    '127.0.0.1:9000 is taken',
  );
});

test('other ports, other addresses, and one that is not started along are fine', () => {
  const port = ['--port', '9000'];
  const others = [runtime('b', ['--port', '9001']), runtime('c', ['--host', '127.0.0.2', ...port])];
  expect(parse(runtime('a', port), ...others, runtime('d', port, 'auto_start = false'))).toEqual([
    'a',
    'b',
    'c',
    'd',
  ]);
});

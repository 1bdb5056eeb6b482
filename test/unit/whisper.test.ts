// whisper-server's ends, from the logs of a real one, and how its command line is completed.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Backend } from '../../reporter/backends/backend.ts';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { explainWhisperExit, WHISPER_EXIT_LINES } from '../../reporter/backends/whisper-exit.ts';

function lastLines(file: string): string[] {
  const text = readFileSync(new URL(`../fixtures/whisper-server/${file}`, import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-WHISPER_EXIT_LINES);
}

function whisper(...args: string[]): Backend {
  return makeBackend({ id: 'w', adapter: 'whisper.cpp', process: { args } }, { llamaServer: '' });
}

test.each<[string, number, string]>([
  [
    'stderr.missing-model.log',
    3,
    "Process failed (exit code 3): the model file is missing (whisper_init_from_file_with_params_no_state: failed to open 'missing.bin')",
  ],
  [
    'stderr.bad-model.log',
    3,
    'Process failed (exit code 3): the model could not be loaded (whisper_model_load: invalid model data (bad magic))',
  ],
  [
    'stderr.bad-arguments.log',
    0,
    'Process ended by itself (exit code 0): its arguments are wrong (error: unknown argument: --prot)',
  ],
  [
    'stderr.port-in-use.log',
    1,
    "Process failed (exit code 1): it could not bind its port (couldn't bind to server socket: hostname=127.0.0.1 port=18193)",
  ],
])('%s', (file, code, words) => {
  expect(explainWhisperExit({ code, signal: null, atMs: 0 }, lastLines(file))).toBe(words);
});

test('an end that the log does not explain is told with its last line', () => {
  expect(
    explainWhisperExit({ code: null, signal: 'SIGSEGV', atMs: 0 }, ['system_info: n_threads = 4']),
  ).toMatch(/^Process crashed \(SIGSEGV.*\): system_info: n_threads = 4$/);
});

test('the command line says address, port, and the path that OpenAI clients know', () => {
  expect(whisper('-m', 'm.bin').launchSpec(undefined)).toMatchObject({
    command: 'whisper-server',
    args: '-m m.bin --host 127.0.0.1 --port 8080 --inference-path /v1/audio/transcriptions'.split(' '),
  });
  const own = ['-m', 'm.bin', '--host', '::1', '--port', '9', '--inference-path', '/inference'];
  expect(whisper(...own).launchSpec(undefined).args).toEqual(own);
});

test('a request path is part of where requests go', () => {
  expect(whisper('--host', '0.0.0.0', '--request-path', '/speech').endpoint()).toEqual({
    origin: 'http://127.0.0.1:8080/speech',
    headers: {},
  });
});

test('a missing model is told before the launch, the default one too', async () => {
  expect(await whisper('-m', '/no/such.bin').preflight(undefined)).toContain(
    'Model file /no/such.bin does not exist; put it there or change the -m argument',
  );
  expect(await whisper().preflight(undefined)).toContain(
    'Model file models/ggml-base.en.bin does not exist; put it there or change the -m argument',
  );
});

test('what is spoken is its modality, unless the manifest says otherwise', () => {
  expect(whisper().descriptor).toMatchObject({ adapter: 'whisper.cpp', modalities: ['audio'] });
});

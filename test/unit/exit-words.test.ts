// The sentence about how a process ended: from its exit, and for llama-server from the captured logs of real ones.

import { describe, expect, test } from 'vitest';
import { describeExit, exitWords } from '../../reporter/backends/exit-words.ts';
import { explainLlamaExit } from '../../reporter/backends/llama-exit.ts';
import type { Exit } from '../../reporter/supervisor/state.ts';
import { capturedLines } from '../support/http-answers.ts';

const code = (number: number): Exit => ({ code: number, signal: null, atMs: 0 });
const signal = (name: string): Exit => ({ code: null, signal: name, atMs: 0 });

describe('any process', () => {
  test.each<[Exit, string]>([
    [code(0), 'Process ended by itself (exit code 0)'],
    [code(1), 'Process failed (exit code 1)'],
    [code(127), 'Process failed (exit code 127)'],
    [code(255), 'Process failed (exit code 255)'],
    [signal('SIGKILL'), 'Process killed (SIGKILL: by hand, or by the kernel when memory ran out)'],
    [signal('SIGSEGV'), 'Process crashed (SIGSEGV: a fault in the program or a driver)'],
    [signal('SIGTERM'), 'Process ended by SIGTERM'],
    [signal('SIGUSR2'), 'Process ended by SIGUSR2'],
    // A shell in between says 128 + the number of the signal.
    [code(137), 'Process killed (SIGKILL: by hand, or by the kernel when memory ran out)'],
    [code(139), 'Process crashed (SIGSEGV: a fault in the program or a driver)'],
    [code(134), 'Process aborted (SIGABRT: the program gave up)'],
  ])('%j', (exit, words) => {
    expect(exitWords(exit)).toBe(words);
  });
  test('its last line is told where it wrote one', () => {
    expect(describeExit(code(1), [])).toBe('Process failed (exit code 1)');
    expect(describeExit(code(1), ['first', '  last '])).toBe('Process failed (exit code 1): last');
  });
});

describe('llama-server', () => {
  test('a missing model file, from the log of a real one', () => {
    expect(explainLlamaExit(code(1), capturedLines('stderr.bad-model.log'))).toBe(
      'Process failed (exit code 1): the model file is missing ' +
        "(gguf_init_from_file: failed to open GGUF file 'nope.gguf' (No such file or directory))",
    );
  });
  test('a taken port, from the log of a real one', () => {
    expect(explainLlamaExit(code(1), capturedLines('stderr.port-in-use.log'))).toBe(
      'Process failed (exit code 1): it could not bind its port ' +
        "(srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 18080)",
    );
  });
  test('a sound server that was killed has no cause in its log, only a last line', () => {
    expect(explainLlamaExit(signal('SIGSEGV'), capturedLines('stderr.start-stop.log'))).toBe(
      'Process crashed (SIGSEGV: a fault in the program or a driver): ' +
        'srv    operator(): operator(): cleaning up before exit...',
    );
  });
  test.each<[string, string]>([
    ['error: invalid argument: --prot', 'its arguments are wrong'],
    ['error while handling argument "--port": stoi', 'its arguments are wrong'],
    ['ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory', 'memory ran out'],
    [
      "gguf_init_from_file_impl: invalid magic characters: 'here', expected 'GGUF'",
      'the model could not be loaded',
    ],
  ])('"%s": %s', (line, words) => {
    expect(
      explainLlamaExit(code(1), [
        '0.00.001.203 I srv  llama_server: initializing ...',
        `0.00.002.000 E ${line}`,
      ]),
    ).toBe(`Process failed (exit code 1): ${words} (${line})`);
  });
  test('without a log it is the exit alone', () => {
    expect(explainLlamaExit(code(1), [])).toBe('Process failed (exit code 1)');
  });
});

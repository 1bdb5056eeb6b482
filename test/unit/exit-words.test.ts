// The sentence about how a process ended: from its exit, and for llama-server from the captured logs of real ones.

import { describe, expect, test } from 'vitest';
import { describeExit, exitWords } from '../../reporter/backends/exit-words.ts';
import { explainLlamaExit } from '../../reporter/backends/llama-exit.ts';
import type { Exit } from '../../reporter/supervisor/state.ts';
import { capturedLines } from '../support/http-answers.ts';

const code = (number: number): Exit => ({ code: number, signal: null, atMs: 0 });
const signal = (name: string): Exit => ({ code: null, signal: name, atMs: 0 });

const loadFailed = (...lines: string[]) =>
  explainLlamaExit(code(1), [...lines, 'E srv  llama_server: exiting due to model loading error']);

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
    ['ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory', 'GPU memory ran out'],
    ['CUDA error: out of memory', 'GPU memory ran out'],
    ['ggml_vulkan: Device memory allocation of size 1 failed: ErrorOutOfDeviceMemory', 'GPU memory ran out'],
    ['ggml_aligned_malloc: insufficient memory (attempted to allocate 1953.12 MB)', 'memory ran out'],
    ['terminate called after throwing an instance of std::bad_alloc', 'memory ran out'],
    [
      "llama_model_load: error loading model: error loading model architecture: unknown model architecture: 'x'",
      'this build does not know the architecture of the model',
    ],
    [
      "failed to initialize router models: error: '/models' does not exist or is not a directory",
      'the folder or the preset file of its models cannot be used',
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
  describe('a file that is not there', () => {
    const loading = "I srv    load_model: loading model '/models/x.gguf'";
    test('is told as the model where it is the model', () => {
      const line =
        "E gguf_init_from_file: failed to open GGUF file '/models/x.gguf' (No such file or directory)";
      expect(loadFailed(loading, line)).toContain('the model file is missing (');
    });
    test('is told as what it is where it is not', () => {
      const line = "E llama_adapter_lora_init: failed to open '/models/a.lora': No such file or directory";
      expect(loadFailed(loading, line)).toBe(
        `Process failed (exit code 1): a file beside the model is missing (${line})`,
      );
    });
    test('may be there and not be readable', () => {
      const line = "E gguf_init_from_file: failed to open GGUF file '/models/x.gguf' (Permission denied)";
      expect(loadFailed(loading, line)).toContain('the model file may not be read by this user');
    });
    test('is no cause where nothing failed to load for it', () => {
      const line = 'W srv: cannot read the prompt cache: No such file or directory';
      expect(explainLlamaExit(code(1), [line, 'E srv: something else'])).toBe(
        'Process failed (exit code 1): E srv: something else',
      );
    });
  });
  test('a file that is no model says so only where it was to be loaded', () => {
    const magic = "gguf_init_from_reader: invalid magic characters: 'garb', expected 'GGUF'";
    expect(explainLlamaExit(code(1), [magic, 'llama_model_load: failed to load model'])).toBe(
      `Process failed (exit code 1): the model file is no GGUF file (${magic})`,
    );
    // A router complains of each such file in its folder, and serves the others.
    expect(explainLlamaExit(code(1), [magic, 'last words'])).toBe('Process failed (exit code 1): last words');
  });
  test('what a model of a router wrote did not end the router', () => {
    const lines = [
      '[50351] 0.00.205.577 E srv    load_model: failed to load model',
      '1.25.074.843 I srv run: bye',
    ];
    expect(explainLlamaExit(code(1), lines)).toBe('Process failed (exit code 1): srv run: bye');
  });
  test('a server that was killed is not told by what it once complained of', () => {
    const lines = ['E ggml: failed to allocate buffer', 'I srv  llama_server: listening'];
    expect(explainLlamaExit(signal('SIGKILL'), lines)).toBe(
      'Process killed (SIGKILL: by hand, or by the kernel when memory ran out): I srv  llama_server: listening',
    );
    expect(explainLlamaExit(signal('SIGABRT'), ['CUDA error: out of memory'])).toBe(
      'Process aborted (SIGABRT: the program gave up): GPU memory ran out (CUDA error: out of memory)',
    );
  });
});

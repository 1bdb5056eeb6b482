// Reading vLLM: the metrics and models in its documented form, its exits, and how its command line is completed.

import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeBackend } from '../../reporter/backends/registry.ts';
import { readVllmMetrics, readVllmModels } from '../../reporter/backends/vllm-bodies.ts';
import { explainVllmExit } from '../../reporter/backends/vllm-exit.ts';
import { parseManifest } from '../../reporter/manifest.ts';
import { answer } from '../support/http-answers.ts';
import { holds } from '../support/property.ts';

function fixture(file: string): string {
  return readFileSync(new URL(`../fixtures/vllm/${file}`, import.meta.url), 'utf8');
}

const METRICS = fixture('metrics.txt');

function read(text: string): Extract<ReturnType<typeof readVllmMetrics>, { kind: 'known' }>['value'] {
  const reading = readVllmMetrics(answer(text));
  if (reading.kind === 'unknown') throw new Error(reading.reason);
  return reading.value;
}

const argsOf = (args: string[]): readonly string[] =>
  makeBackend({ id: 'v', adapter: 'vllm', process: { args } }, { llamaServer: '' }).launchSpec(undefined)
    .args;
const parse = (process: string): unknown =>
  parseManifest(
    `version = 1\n[[runtimes]]\nid = "v"\nadapter = "vllm"\n[runtimes.process]\n${process}`,
    'm.toml',
  );

describe('metrics', () => {
  test('of several engines are summed; what is named alike is left out', () => {
    expect(read(METRICS)).toEqual({
      running: 3,
      waiting: 4,
      sleeping: false,
      ended: 20,
      failed: 2,
      counters: { promptTokens: 9000, promptSeconds: 3, predictedTokens: 1000, predictedSeconds: 20 },
      mark: '1020:10000:0.375:3',
    });
  });
  test('of an older build: other names, and no word of errors or of sleep', () => {
    expect(read(fixture('metrics.older.txt'))).toEqual({
      running: 0,
      waiting: 0,
      sleeping: false,
      ended: 1,
      failed: undefined,
      counters: { promptTokens: 10, promptSeconds: 0.25, predictedTokens: 16, predictedSeconds: 0.5 },
      mark: '17:10:0.5:0',
    });
  });
  test('a server sleeps when all its engines do', () => {
    const one = METRICS.replace(
      'engine="0",model_name="qwen",sleep_state="awake"} 1.0',
      'sleep_state="awake"} 0.0',
    );
    expect(read(one).sleeping).toBe(false);
    expect(read(METRICS.replaceAll('"awake"} 1.0', '"awake"} 0.0')).sleeping).toBe(true);
  });
  test.each([
    ['a token', 'vllm:generation_tokens_total{engine="1",model_name="qwen"} 220.0', '221.0'],
    ['a prompt that was taken', 'vllm:prompt_tokens_total{engine="0",model_name="qwen"} 9000.0', '9001.0'],
    ['a step of a long prompt', 'vllm:kv_cache_usage_perc{engine="0",model_name="qwen"} 0.25', '0.2501'],
    ['another number of requests', 'vllm:num_requests_running{engine="1",model_name="qwen"} 1.0', '2.0'],
  ])('the mark moves with %s', (_what, line, value) => {
    const later = METRICS.replace(line, line.replace(/\S+$/, value));
    expect(read(later).mark).not.toBe(read(METRICS).mark);
  });
  test('without the seconds the counters are unknown, and nothing else', () => {
    const without = METRICS.replaceAll('inter_token_latency_seconds', 'x');
    expect(read(without)).toEqual({ ...read(METRICS), counters: undefined });
  });
  test.each([
    ['an error', answer('', 500), 'HTTP 500'],
    ['no metrics of its own', answer('# HELP up x\nup 1\n'), '/metrics lacks the running requests'],
    ['something else', answer('<html>'), '/metrics lacks the running requests'],
    ['a torn line', answer('vllm:num_requests_running{engine="0\n'), '/metrics lacks the running requests'],
    [
      'another format',
      answer('vllm:num_requests_running{engine=0} 1\n'),
      '/metrics is not in the Prometheus format',
    ],
  ])('%s is unknown, never 0', (_what, body, reason) => {
    expect(readVllmMetrics(body)).toEqual({ kind: 'unknown', reason: expect.stringContaining(reason) });
  });
  test('no text makes it throw', () => {
    holds(
      fc.property(fc.string(), (text) => {
        expect(['known', 'unknown']).toContain(readVllmMetrics(answer(`vllm:${text}\n${METRICS}`)).kind);
      }),
    );
  });
});

test('models: the served one and its adapters, with their context where it is told', () => {
  expect(readVllmModels(answer(fixture('models.json')))).toEqual({
    kind: 'known',
    value: [
      { id: 'qwen', state: 'loaded', context: 32768 },
      { id: 'sql-lora', state: 'loaded' },
    ],
  });
});

test.each([
  ['port-in-use', 'it could not bind its port (OSError: [Errno 98] Address already in use)'],
  [
    'out-of-memory',
    'memory ran out (ValueError: Free memory on device (3.1/79.2 GiB) on startup is less than',
  ],
  ['bad-model', 'the model could not be found (OSError: no-such/model is not a local folder'],
  [
    'bad-arguments',
    'its arguments are wrong (vllm: error: unrecognized arguments: --gpu-memry-utilization 0.9)',
  ],
  ['engine-fault', 'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.'],
])('the log of %s tells the cause, not the consequence', (file, words) => {
  const lines = fixture(`stderr.${file}.log`).split('\n');
  const exit = { code: 1, signal: null, atMs: 0 };
  expect(explainVllmExit(exit, lines)).toContain(`Process failed (exit code 1): ${words}`);
});

test('an end without a trace is told with its last line', () => {
  const exit = { code: null, signal: 'SIGKILL', atMs: 0 };
  expect(explainVllmExit(exit, ['INFO 11-23 01:02:03 [x.py:1] Loading weights', ''])).toMatch(
    /^Process killed \(SIGKILL.*\): Loading weights$/,
  );
});

describe('the command line', () => {
  test('says address and port; a name of a model hub stays as it is', () => {
    expect(argsOf(['serve', 'Qwen/Qwen3-8B']).join(' ')).toBe(
      'serve Qwen/Qwen3-8B --host 127.0.0.1 --port 8000',
    );
  });
  test('calls a folder by its last name, so that its path stays on the host', () => {
    expect(argsOf(['serve', '/models/Qwen3-8B', '--port', '9000']).join(' ')).toBe(
      'serve /models/Qwen3-8B --port 9000 --host 127.0.0.1 --served-model-name Qwen3-8B',
    );
    expect(argsOf(['--model', './m', '--served-model-name', 'mine'])).not.toContain('m');
  });
});

describe('the manifest', () => {
  test('wants the subcommand where vllm itself is started', () => {
    expect(() => parse('args = ["Qwen/Qwen3-8B"]')).toThrow(
      'runtimes[0] (v).process.args: must begin with "serve"',
    );
    expect(parse('args = ["serve", "Qwen/Qwen3-8B"]')).toBeDefined();
    expect(parse('command = "python3"\nargs = ["-m", "vllm.entrypoints.openai.api_server"]')).toBeDefined();
  });
  test('wants a port that is one', () => {
    expect(() => parse('args = ["serve", "m", "--port", "x"]')).toThrow('--port "x" must be a whole number');
  });
});

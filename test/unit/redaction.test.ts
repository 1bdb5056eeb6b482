// What must not leave the host: known secrets wherever they stand, and whatever has the form of one.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactor } from '../../reporter/logs/redaction.ts';
import { secretsOf } from '../../reporter/logs/secrets.ts';
import { holds } from '../support/property.ts';

const redact = redactor([]);

test.each([
  [
    '0.00.021.430 I srv  init_listene: api_keys: ****3456',
    '0.00.021.430 I srv  init_listene: api_keys: [redacted]',
  ],
  ['llama-server --api-key secret-123 -c 512', 'llama-server --api-key [redacted] -c 512'],
  ['--hf-token=abc --port 80', '--hf-token=[redacted] --port 80'],
  ['-hft abc', '-hft [redacted]'],
  ['args: ["--api-key", "abc def", "-c", "1"]', 'args: ["--api-key", [redacted], "-c", "1"]'],
  ['Authorization: Bearer abc', 'Authorization: [redacted]'],
  ['{"authorization":"Basic dXNlcjpwdw=="}', '{"authorization":[redacted]}'],
  ['sent bearer abcdef123', 'sent bearer [redacted]'],
  ['X-API-Key: abc', 'X-API-Key: [redacted]'],
  ['HF_TOKEN=abc llama-server', 'HF_TOKEN=[redacted] llama-server'],
  ['AWS_SECRET_ACCESS_KEY="a b"', 'AWS_SECRET_ACCESS_KEY=[redacted]'],
  ["password: it's,me now", 'password: [redacted] now'],
  ['db_password="never ends', 'db_password=[redacted]'],
  ['access_token=x', 'access_token=[redacted]'],
  ['GET /v1/models?a=1&token=abc&b=2', 'GET /v1/models?a=1&token=[redacted]&b=2'],
  ['from https://user:p@ss@hub.example/x', 'from https://[redacted]@hub.example/x'],
  ['hf_AbCdEfGh12345678', '[redacted]'],
  ['key sk-proj-abcdefgh12345', 'key [redacted]'],
  [`ghp_${'a1'.repeat(18)}`, '[redacted]'],
  [`arwn_gpu-01.${'Ab3_'.repeat(10)} said`, '[redacted] said'],
  ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln ok', 'jwt [redacted] ok'],
  ['-----BEGIN RSA PRIVATE KEY-----MIIE', '[redacted]'],
])('%s', (line, told) => {
  expect(redact(line)).toBe(told);
});

test.each([
  '0.00.014.295 I srv  init_listene: api_keys: 3 keys loaded',
  '0.04.007.821 W srv    operator(): unauthorized: Invalid API Key',
  'print_info: BOS token        = 1 <s>',
  'tokenizer.ggml.eos_token_id u32 = 2',
  'prompt eval time =      58.80 ms /    22 tokens (    2.67 ms per token,   374.16 tokens per second)',
  'llama-server --api-key-file /etc/keys --max-tokens 100 --port 8081',
  'slot release: id  0 | task 0 | stop processing: n_tokens = 25, truncated = 0',
  'loading model /models/task-force-sk-1.gguf from http://127.0.0.1:8081/v1/models',
  'a multi-token prediction of 3',
])('an ordinary line stays as it is: %s', (line) => {
  expect(redact(line)).toBe(line);
});

describe('known secrets', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9.*+?^$(){}|\\/_-]{8,40}$/);

  test('are hidden wherever they stand', () => {
    holds(
      fc.property(
        fc.uniqueArray(secret, { minLength: 1, maxLength: 5 }),
        fc.array(fc.oneof(fc.string(), fc.nat(4)), { maxLength: 8 }),
        (secrets, parts) => {
          const line = parts
            .map((part) => (typeof part === 'string' ? part : secrets[part % secrets.length]))
            .join('');
          const told = redactor(secrets)(line);
          for (const value of secrets) expect(told).not.toContain(value);
        },
      ),
    );
  });

  test('hidden once, a line stays as it is', () => {
    holds(
      fc.property(secret, fc.string(), (value, around) => {
        const hide = redactor([value]);
        const told = hide(`${around}${value}${around}`);
        expect(redactor([value])(told)).toBe(told);
      }),
    );
  });

  test('of an unfinished line no beginning is told that the rest would complete', () => {
    holds(
      fc.property(
        secret,
        fc.stringMatching(/^[a-z ]{0,20}$/),
        fc.integer({ min: 4, max: 7 }),
        (value, before, length) => {
          const told = redactor([value]).unfinished(`${before}${value.slice(0, length)}`);
          expect(told.endsWith(value.slice(0, length))).toBe(false);
        },
      ),
    );
  });
});

test('the secrets of a launch: values of telling flags, each of several, and of telling names', () => {
  const args = [
    '-m',
    'x.gguf',
    '--api-key',
    'one-1,two-2',
    '--hf-token=three',
    '--api-key-file',
    '/etc/keys',
    '--token',
  ];
  const env = { LLAMA_API_KEY: 'from-env', HF_TOKEN: 'short', PWD: '/srv/llama', CUDA_VISIBLE_DEVICES: '0' };

  expect(secretsOf(args, env)).toEqual([
    'one-1,two-2',
    'one-1',
    'two-2',
    'three',
    'three',
    'from-env',
    'from-env',
  ]);
});

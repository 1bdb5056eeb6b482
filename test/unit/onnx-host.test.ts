// The pure parts of the ONNX host: tensors as JSON, and OpenAI's embeddings as the inputs and outputs of a model.

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  embeddingJson,
  inputsOf,
  readEmbeddingsRequest,
  vectorOf,
} from '../../reporter/onnx-host/embeddings.ts';
import type { ModelInput, ModelShape } from '../../reporter/onnx-host/model-thread.ts';
import { RequestProblem } from '../../reporter/onnx-host/problem.ts';
import { readInputs, writeTensor } from '../../reporter/onnx-host/tensors.ts';
import { parseManifest } from '../../reporter/manifest.ts';
import { holds } from '../support/property.ts';

function problemOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof RequestProblem) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'none';
}

function read(type: string, data: unknown[], dims: unknown[] = [data.length]): ReturnType<typeof readInputs> {
  return readInputs({ inputs: { x: { type, dims, data } } });
}

describe('tensors', () => {
  test.each<[string, unknown[], unknown[]]>([
    ['float32', [0.5, -1], [0.5, -1]],
    ['float64', [0.1], [0.1]],
    ['int8', [-128, 127], [-128, 127]],
    ['uint32', [4_294_967_295], [4_294_967_295]],
    ['int64', [-1, '9223372036854775807'], [-1, '9223372036854775807']],
    ['uint64', ['18446744073709551615'], ['18446744073709551615']],
    ['bool', [true, false], [true, false]],
    ['string', ['a', ''], ['a', '']],
  ])('%s goes in and comes out', (type, data, told) => {
    const { x } = read(type, data);
    expect(x && writeTensor(x)).toEqual({ type, dims: [data.length], data: told });
  });
  test('what JSON has no number for is text', () => {
    const data = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, 1);
    expect(writeTensor({ type: 'float32', dims: [3], data })).toMatchObject({
      data: ['NaN', '-Infinity', 1],
    });
  });
  test.each<[string, () => unknown, string]>([
    ['a number that does not fit', () => read('uint8', [256]), 'inputs.x: 256 is no uint8'],
    ['half an integer', () => read('int32', [1.5]), 'inputs.x: 1.5 is no int32'],
    ['an integer beyond 64 bits', () => read('int64', ['9223372036854775808']), 'is no int64'],
    ['a negative one without sign', () => read('uint64', [-1]), 'inputs.x: -1 is no uint64'],
    ['text for a number', () => read('float32', ['1']), 'inputs.x: "1" is no float32'],
    ['a number for a truth', () => read('bool', [1]), 'inputs.x: 1 is no bool'],
    ['dims for more', () => read('float32', [1, 2], [3]), 'inputs.x: dims [3] want 3 values, data has 2'],
    ['a type that is not there', () => read('float16', [1]), 'inputs.x.type: '],
    ['a size below 0', () => read('float32', [], [-1]), 'inputs.x.dims.0: '],
    ['no inputs', () => readInputs({}), 'send {"inputs": {NAME: {"type", "dims", "data"}}}'],
    ['no object', () => readInputs(null), 'send {"inputs"'],
  ])('%s is told as malformed', (_what, work, words) => {
    expect(problemOf(work)).toContain('malformed-body: ');
    expect(problemOf(work)).toContain(words);
  });
  test('any JSON is either read or told as a problem', () => {
    holds(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, dims) => {
        // Anything else that is thrown comes through `problemOf`.
        expect(problemOf(() => readInputs({ inputs: { x: { type: 'int64', dims, data } } }))).toBeTypeOf(
          'string',
        );
        expect(problemOf(() => readInputs(data))).toBeTypeOf('string');
      }),
    );
  });
});

const TOKENS: ModelInput[] = [
  { name: 'input_ids', type: 'int64', rank: 2 },
  { name: 'attention_mask', type: 'int64', rank: 2 },
  { name: 'token_type_ids', type: 'int32', rank: 2 },
  { name: 'position_ids', type: 'int64', rank: 2 },
];
const shape = (...inputs: ModelInput[]): ModelShape => ({ inputs, outputs: ['y'] });

describe('embeddings', () => {
  test.each<[string, unknown, unknown]>([
    ['a row of tokens', [1, 2], [[1, 2]]],
    ['rows of tokens', [[1, 2], [3]], [[1, 2], [3]]],
    ['a text', 'hello', ['hello']],
    ['texts', ['a', 'b'], ['a', 'b']],
  ])('%s', (_what, input, rows) => {
    expect(readEmbeddingsRequest({ input }).rows).toEqual(rows);
  });
  test.each<[unknown]>([[[]], [[[]]], [{}], [[1, 'a']], [[-1]], [Array.from({ length: 257 }, () => 'a')]])(
    '%j is malformed',
    (input) => {
      expect(problemOf(() => readEmbeddingsRequest({ input }))).toContain('malformed-body');
    },
  );
  test('a row becomes every input that a model of tokens has, alone in its batch', () => {
    expect(inputsOf([7, 8], shape(...TOKENS))).toEqual({
      input_ids: { type: 'int64', dims: [1, 2], data: BigInt64Array.of(7n, 8n) },
      attention_mask: { type: 'int64', dims: [1, 2], data: BigInt64Array.of(1n, 1n) },
      token_type_ids: { type: 'int32', dims: [1, 2], data: Int32Array.of(0, 0) },
      position_ids: { type: 'int64', dims: [1, 2], data: BigInt64Array.of(0n, 1n) },
    });
  });
  test('a model that takes text gets text', () => {
    const text = shape({ name: 'text', type: 'string', rank: 1 });
    expect(inputsOf('hello', text)).toEqual({ text: { type: 'string', dims: [1], data: ['hello'] } });
    expect(problemOf(() => inputsOf([1], text))).toBe(
      'malformed-body: input "text" of this model takes text',
    );
  });
  test('text for a model of tokens, and a model of something else, are told honestly', () => {
    expect(problemOf(() => inputsOf('hello', shape(...TOKENS)))).toBe(
      "tokenizer-missing: Send input as a list of token ids, made by the model's own tokenizer; this host has none",
    );
    expect(problemOf(() => inputsOf([1], shape({ name: 'x', type: 'float32', rank: 2 })))).toBe(
      'no-embeddings: Its inputs are not tokens (x: float32); use /infer',
    );
  });
  test('the mean of the token vectors, or the sentence output where there is one', () => {
    const tokens = { type: 'float32', dims: [1, 2, 2], data: Float32Array.of(1, 2, 3, 6) };
    const sentence = { type: 'float32', dims: [1, 2], data: Float32Array.of(9, 9) };
    expect([...vectorOf({ last_hidden_state: tokens })]).toEqual([2, 4]);
    expect([...vectorOf({ last_hidden_state: tokens, sentence_embedding: sentence })]).toEqual([9, 9]);
    expect([...vectorOf({ y: sentence })]).toEqual([9, 9]);
    expect(problemOf(() => vectorOf({ y: { type: 'string', dims: [1], data: ['a'] } }))).toContain(
      'no-embeddings',
    );
    expect(problemOf(() => vectorOf({}))).toContain('no-embeddings');
  });
  test('base64 holds the bytes of the same vector', () => {
    const vector = Float32Array.of(0.25, -2);
    const text = embeddingJson(vector, 'base64');
    const bytes = Buffer.from(String(text), 'base64');
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual(embeddingJson(vector, 'float'));
  });
});

test('the manifest must name the model', () => {
  const text =
    'version = 1\n[[runtimes]]\nid = "o"\nadapter = "onnx"\n[runtimes.process]\nargs = ["--port", "8100"]';
  expect(() => parseManifest(text, 'm.toml')).toThrow(
    'm.toml: runtimes[0] (o).process.args: must name the model, as in ["--model", "/models/x.onnx"]',
  );
});

// Owns OpenAI's embeddings on an ONNX model: which inputs a request becomes, and which output is its vector.

import * as v from 'valibot';
import type { ModelShape } from './model-thread.ts';
import { RequestProblem } from './problem.ts';
import type { HostTensor, HostTensors } from './tensors.ts';

const ROWS_MAX = 256;
const Token = v.pipe(v.number(), v.integer(), v.minValue(0));
const Tokens = v.pipe(v.array(Token), v.minLength(1));
const RequestSchema = v.object({
  input: v.union([v.string(), Tokens, v.array(v.string()), v.array(Tokens)]),
  model: v.optional(v.string()),
  encoding_format: v.optional(v.picklist(['float', 'base64']), 'float'),
});

export type EmbeddingsRequest = {
  rows: readonly (string | readonly number[])[];
  model: string | undefined;
  encoding: 'float' | 'base64';
};

/** @throws RequestProblem */
export function readEmbeddingsRequest(body: unknown): EmbeddingsRequest {
  const parsed = v.safeParse(RequestSchema, body);
  if (!parsed.success) {
    throw new RequestProblem(
      'malformed-body',
      'input must be a list of token ids, or a list of such lists; text is for models that take text',
    );
  }
  const { input, model, encoding_format: encoding } = parsed.output;
  const rows = typeof input === 'string' ? [input] : isRow(input) ? [input] : input;
  if (rows.length === 0 || rows.length > ROWS_MAX) {
    throw new RequestProblem(
      'malformed-body',
      `input must have 1 to ${ROWS_MAX} rows, it has ${rows.length}`,
    );
  }
  return { rows, model, encoding };
}

function isRow(input: readonly unknown[]): input is number[] {
  return typeof input[0] === 'number';
}

/** Inputs that say the same of every token when a request holds one row without padding. */
const PLAIN: Readonly<Record<string, (index: number) => bigint>> = {
  attention_mask: () => 1n,
  token_type_ids: () => 0n,
  position_ids: (index) => BigInt(index),
};

/**
 * One row as the model's inputs, alone in its batch: rows of different lengths would need padding.
 * @throws RequestProblem where the model wants something else.
 */
export function inputsOf(row: string | readonly number[], shape: ModelShape): HostTensors {
  const [only] = shape.inputs;
  if (shape.inputs.length === 1 && only?.type === 'string') {
    if (typeof row !== 'string')
      throw new RequestProblem('malformed-body', `input "${only.name}" of this model takes text`);
    return { [only.name]: { type: 'string', dims: only.rank === 2 ? [1, 1] : [1], data: [row] } };
  }
  const isTokens = shape.inputs.some(({ name }) => name === 'input_ids');
  const other = shape.inputs.find(
    ({ name, type }) => !isTokenInput(name) || (type !== 'int64' && type !== 'int32'),
  );
  if (!isTokens || other !== undefined) {
    const inputs = shape.inputs.map(({ name, type }) => `${name}: ${type}`).join(', ');
    throw new RequestProblem('no-embeddings', `Its inputs are not tokens (${inputs}); use /infer`);
  }
  if (typeof row === 'string') {
    throw new RequestProblem(
      'tokenizer-missing',
      "Send input as a list of token ids, made by the model's own tokenizer; this host has none",
    );
  }
  return Object.fromEntries(
    shape.inputs.map(({ name, type }) => [name, tokenTensor(type, row, PLAIN[name])]),
  );
}

function isTokenInput(name: string): boolean {
  return name === 'input_ids' || Object.hasOwn(PLAIN, name);
}

function tokenTensor(type: string, row: readonly number[], plain?: (index: number) => bigint): HostTensor {
  const wide = BigInt64Array.from(row, (token, index) => plain?.(index) ?? BigInt(token));
  return { type, dims: [1, row.length], data: type === 'int32' ? Int32Array.from(wide, Number) : wide };
}

/** Outputs of exported sentence models, best first. */
const SENTENCE_OUTPUTS = ['sentence_embedding', 'embeddings', 'text_embeds', 'pooler_output'];

/**
 * The vector of one row: a sentence output as it is, else the mean of the token vectors. It is not normalised.
 * @throws RequestProblem where no output is a vector.
 */
export function vectorOf(outputs: HostTensors): Float32Array {
  const named = SENTENCE_OUTPUTS.map((name) => outputs[name]).find(
    (tensor) => tensor !== undefined && isVector(tensor),
  );
  const tensors = Object.values(outputs);
  const vector = named ?? tensors.find(isTokenVectors) ?? tensors.find(isVector);
  if (vector === undefined || !(vector.data instanceof Float32Array)) {
    throw new RequestProblem('no-embeddings', 'No output of this model is a float32 vector; use /infer');
  }
  const { data, dims } = vector;
  const width = dims.at(-1) ?? 0;
  const count = data.length / width;
  return Float32Array.from({ length: width }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < count; row += 1) sum += data[row * width + column] ?? 0;
    return sum / count;
  });
}

function isVector({ dims, data }: HostTensor): boolean {
  return data instanceof Float32Array && data.length > 0 && dims.length === 2 && dims[0] === 1;
}

function isTokenVectors({ dims, data }: HostTensor): boolean {
  return data instanceof Float32Array && data.length > 0 && dims.length === 3 && dims[0] === 1;
}

export function embeddingJson(vector: Float32Array, encoding: 'float' | 'base64'): number[] | string {
  if (encoding === 'float') return [...vector];
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

/**
 * Owns the tiny language model that the project runs where nobody named a real one: 120 thousand parameters
 * of the llama architecture, 488 kB, made from a seed. It answers with letters that mean nothing, but a real
 * llama-server loads it and serves chat, slots and metrics, so the whole path can be tried without a download.
 *
 * The same seed gives the same bytes on every machine. Does not decide where the file lives (find-model.ts).
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encodeGguf, type GgufTensor, type GgufValue } from './gguf-encode.ts';

const EMBEDDING_LENGTH = 64;
const BLOCK_COUNT = 2;
const HEAD_COUNT = 4;
const FEED_FORWARD_LENGTH = 128;
const CONTEXT_LENGTH = 2048;
/** The spread of trained weights of this size; larger values make the softmax collapse onto one token. */
const WEIGHT_SIGMA = 0.08;

/** `▁` is how a sentencepiece vocabulary writes a space. */
const LETTERS = "▁abcdefghijklmnopqrstuvwxyz.,!?:;-'".split('');
const BYTE_TOKENS = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);
const CONTROL_TOKENS = ['<unk>', '<s>', '</s>'];
const TOKENS = [...CONTROL_TOKENS, ...BYTE_TOKENS, ...LETTERS];
const FIRST_LETTER = CONTROL_TOKENS.length + BYTE_TOKENS.length;

/** Values of `llama_token_type`. */
const TOKEN_TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

const CHAT_TEMPLATE =
  "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}assistant: ";

/**
 * The first channel of the residual stream carries a constant: every embedding sets it, no block writes it.
 * The output layer reads it as a bias, which llama's architecture does not have, to favour letters. So answers
 * are printable, and the end-of-text token never comes by chance: `max_tokens` alone decides the length.
 */
const BIAS_CHANNEL = 0;
const BIAS_STRENGTH = 2;

/** Uniform 32-bit generator (mulberry32): integer arithmetic only, so equal on every engine. */
function uniformSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A sum of twelve uniforms is close to normal and, unlike Box-Muller, needs no transcendental function. */
function normal(uniform: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i += 1) sum += uniform();
  return sum;
}

function tokenType(index: number): number {
  if (index === 0) return TOKEN_TYPE.unknown;
  if (index < CONTROL_TOKENS.length) return TOKEN_TYPE.control;
  return index < FIRST_LETTER ? TOKEN_TYPE.byte : TOKEN_TYPE.normal;
}

function metadata(seed: number): [string, GgufValue][] {
  return [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: `runtime-matrix tiny, seed ${seed}` }],
    ['general.file_type', { type: 'uint32', value: 0 }],
    ['llama.context_length', { type: 'uint32', value: CONTEXT_LENGTH }],
    ['llama.embedding_length', { type: 'uint32', value: EMBEDDING_LENGTH }],
    ['llama.block_count', { type: 'uint32', value: BLOCK_COUNT }],
    ['llama.feed_forward_length', { type: 'uint32', value: FEED_FORWARD_LENGTH }],
    ['llama.attention.head_count', { type: 'uint32', value: HEAD_COUNT }],
    ['llama.attention.head_count_kv', { type: 'uint32', value: HEAD_COUNT }],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.dimension_count', { type: 'uint32', value: EMBEDDING_LENGTH / HEAD_COUNT }],
    ['llama.vocab_size', { type: 'uint32', value: TOKENS.length }],
    ['tokenizer.ggml.model', { type: 'string', value: 'llama' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: TOKENS }],
    ['tokenizer.ggml.scores', { type: 'float32s', value: TOKENS.map((_, index) => -index) }],
    ['tokenizer.ggml.token_type', { type: 'int32s', value: TOKENS.map((_, index) => tokenType(index)) }],
    ['tokenizer.ggml.unknown_token_id', { type: 'uint32', value: 0 }],
    ['tokenizer.ggml.bos_token_id', { type: 'uint32', value: 1 }],
    ['tokenizer.ggml.eos_token_id', { type: 'uint32', value: 2 }],
    ['tokenizer.chat_template', { type: 'string', value: CHAT_TEMPLATE }],
  ];
}

function tensors(seed: number): GgufTensor[] {
  const uniform = uniformSource(seed);
  /** A matrix of `rows` outputs; `bias` says what a row holds in the bias channel, else it is random too. */
  const matrix = (
    name: string,
    columns: number,
    rows: number,
    bias?: (row: number) => number,
  ): GgufTensor => {
    const values = Float32Array.from({ length: columns * rows }, () => normal(uniform) * WEIGHT_SIGMA);
    if (bias) for (let row = 0; row < rows; row += 1) values[row * columns + BIAS_CHANNEL] = bias(row);
    return { name, dimensions: [columns, rows], values };
  };
  const ones = (name: string): GgufTensor => ({
    name,
    dimensions: [EMBEDDING_LENGTH],
    values: new Float32Array(EMBEDDING_LENGTH).fill(1),
  });
  /** A block's last matrix writes into the residual stream: its bias row stays empty. */
  const writer = (name: string, columns: number): GgufTensor => {
    const tensor = matrix(name, columns, EMBEDDING_LENGTH);
    tensor.values.fill(0, BIAS_CHANNEL * columns, (BIAS_CHANNEL + 1) * columns);
    return tensor;
  };
  const width = EMBEDDING_LENGTH;
  const blocks = Array.from({ length: BLOCK_COUNT }, (_, block) => `blk.${block}`).flatMap((prefix) => [
    ones(`${prefix}.attn_norm.weight`),
    matrix(`${prefix}.attn_q.weight`, width, width),
    matrix(`${prefix}.attn_k.weight`, width, width),
    matrix(`${prefix}.attn_v.weight`, width, width),
    writer(`${prefix}.attn_output.weight`, width),
    ones(`${prefix}.ffn_norm.weight`),
    matrix(`${prefix}.ffn_gate.weight`, width, FEED_FORWARD_LENGTH),
    matrix(`${prefix}.ffn_up.weight`, width, FEED_FORWARD_LENGTH),
    writer(`${prefix}.ffn_down.weight`, FEED_FORWARD_LENGTH),
  ]);
  return [
    matrix('token_embd.weight', width, TOKENS.length, () => BIAS_STRENGTH),
    ...blocks,
    ones('output_norm.weight'),
    matrix('output.weight', width, TOKENS.length, (row) =>
      row < FIRST_LETTER ? -BIAS_STRENGTH : BIAS_STRENGTH,
    ),
  ];
}

/** The whole file as bytes. */
export function tinyGguf({ seed }: { seed: number }): Uint8Array {
  return encodeGguf(metadata(seed), tensors(seed));
}

/** Writes the model to `path`; a reader sees the whole file or none, also when several write at once. */
export async function writeTinyGguf(path: string, { seed }: { seed: number }): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeFile(partial, tinyGguf({ seed }));
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}
